"""play: let an agent, or who knows the truth, play an episode of a task, and keep the score."""

from .candidates import candidates
from .game import OF_PLAYERS, ORACLE, PlayerSettings, agent_settings, play
from .score import GOOD, Score, Summary

__all__ = [
    "GOOD",
    "OF_PLAYERS",
    "ORACLE",
    "PlayerSettings",
    "Score",
    "Summary",
    "agent_settings",
    "candidates",
    "play",
]
