"""Acquisition functions: how much a measurement is worth, from what a model predicts of it."""

from .hypervolume import (
    expected_hypervolume_improvement,
    hypervolume,
    log_expected_hypervolume_improvement,
    non_dominated,
    reference_point,
)
from .improvement import (
    expected_improvement,
    log_augmented_improvement,
    log_expected_improvement,
    log_information,
    predictive_variance,
    reachable_bound,
    upper_confidence_bound,
)
from .information import log_max_value_entropy, maximum_samples
from .novelty import StructuralNovelty, combined_novelty, spectral_novelty
from .per_second import (
    bound_per_second,
    choose_averages,
    improvement_per_second,
    information_per_second,
    log_per_second,
    reach_per_second,
)
from .preference import (
    Answer,
    Preferences,
    best_and_challenger,
    learn_preferences,
    most_informative_pair,
)
from .thompson import Covariance, joint_draws, posterior_draw, prior_draw, through_kernel

__all__ = [
    "Answer",
    "Covariance",
    "Preferences",
    "StructuralNovelty",
    "best_and_challenger",
    "bound_per_second",
    "choose_averages",
    "combined_novelty",
    "expected_hypervolume_improvement",
    "expected_improvement",
    "hypervolume",
    "improvement_per_second",
    "information_per_second",
    "joint_draws",
    "learn_preferences",
    "log_augmented_improvement",
    "log_expected_hypervolume_improvement",
    "log_expected_improvement",
    "log_information",
    "log_max_value_entropy",
    "log_per_second",
    "maximum_samples",
    "most_informative_pair",
    "non_dominated",
    "posterior_draw",
    "predictive_variance",
    "prior_draw",
    "reach_per_second",
    "reachable_bound",
    "reference_point",
    "spectral_novelty",
    "through_kernel",
    "upper_confidence_bound",
]
