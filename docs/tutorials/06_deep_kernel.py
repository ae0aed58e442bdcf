# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 6. A model that has seen the image
#
# An overview of a film has thousands of pixels and takes a minute. A hysteresis loop takes a second *per place*; a loop at every pixel takes
# hours, and the sample will not be the same afterwards. But the image and the loops are not strangers: where the image looks alike, the loops should be
# alike. A model that learns this relation from a few loops can guess all the others, and say how sure it is.
#
# That is **deep-kernel learning**: a Gaussian process whose idea of "alike" comes from networks that have looked at the overview. In this
# lesson such an agent chooses every next place by itself, and you watch how it learns.

# %% [markdown]
# On a machine that has nothing yet, such as Colab, one line comes first:
# ```
# pip install "spm_auto[dkl,lessons]"
# ```

# %%
import matplotlib.pyplot as plt
import numpy as np

import spm_auto as spm
from spm_auto.classroom import attend

exercise = attend("deep_kernel", student="practice")
exercise

# %% [markdown]
# ## The loop of an agent
#
# Three lines: *ask* the agent where to measure, *measure*, *tell* it what was found. All else is in how it chooses. Here it takes the **expected
# improvement**: with $\mu$ and $\sigma$ the predicted value and its uncertainty at a place, and $f^*$ the best found so far,
#
# $$ \mathrm{EI} = \sigma \left( z\,\Phi(z) + \varphi(z) \right), \qquad z = \frac{\mu - f^*}{\sigma}. $$
#
# It is large where $\mu$ is large (*exploit* what you know) or where $\sigma$ is large (*explore* what you do not). The agent is **myopic**: it
# takes the place that promises most for the next measurement, as if it were the last one.
#
# Its first eight places are random: what it knows later on, it has found out. (As it comes, it begins where the image differs most from its median; that is
# often a good idea, and hides here what there is to see.)

# %%
LOOP = spm.BiasWaveform.triangle("10 V", points=64, cycles=2)
BUDGET = 32
fits = {}
with exercise.start_run("agent") as run:
    overview = run.scan(
        (0, 0), ("2 um", "2 um"), (64, 64), channels=["amplitude", "phase"], line_rate="2 Hz"
    )
    agent = spm.agents.make(
        "deep_kernel",
        overview,
        scalarizer="remanence",
        seed=1,
        margin=2,
        acquisition="expected_improvement",
        initial=8,
        ranked_share=0.0,
        refit_every=8,
    )
    asked, found = [], []
    for proposal in agent.proposals(BUDGET):
        loop = run.acquire_spectrum(proposal.x, proposal.y, LOOP)
        found.append(agent.tell(proposal, loop).value)
        asked.append(proposal)
        if agent.fit is not None:
            fits[len(found)] = agent.fit
found = np.array(found)
x, y = np.array([(p.x, p.y) for p in asked]).T
print(
    f"{np.isfinite(found).sum()} good loops of {BUDGET}, out of 4096 pixels; last reason: {asked[-1].reason}"
)

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
for ax, channel in zip(axes, ("amplitude", "phase"), strict=True):
    overview.plot(channel, ax=ax)
    ax.plot(x, y, "w-", lw=0.4, alpha=0.6)
axes[0].scatter(x, y, c=np.arange(BUDGET), cmap="autumn_r", s=28, edgecolor="k", lw=0.4)
axes[0].set_title("yellow: first, red: last", loc="right")
axes[1].scatter(x, y, c=found, cmap="viridis", s=28, edgecolor="w", lw=0.6)
axes[1].set_title("what was found", loc="right")
plt.show()

# %% [markdown]
# ## Was it better than luck?
#
# A curve alone says nothing: how would *anybody* have done? So let the agent `random` play on the same film, with as many loops. (An honest
# comparison takes many films: see `docs/benchmarks.md`.)

# %%
with exercise.start_run("random") as run:
    image = run.scan(
        (0, 0), ("2 um", "2 um"), (64, 64), channels=["amplitude", "phase"], line_rate="2 Hz"
    )
    other = spm.agents.make("random", image, scalarizer="remanence", seed=1, margin=2)
    luck = np.array(
        [
            other.tell(proposal, run.acquire_spectrum(proposal.x, proposal.y, LOOP)).value
            for proposal in other.proposals(BUDGET)
        ]
    )

fig, ax = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
for values, name, colour in ((found, "deep kernel", "C0"), (luck, "random", "0.5")):
    ax.plot(range(1, BUDGET + 1), 1e12 * values, ".", color=colour, alpha=0.5)
    best_so_far = np.fmax.accumulate(values)
    ax.step(range(1, BUDGET + 1), 1e12 * best_so_far, where="post", color=colour, label=name)
ax.axvline(8.5, ls=":", color="k")
ax.set(xlabel="loops", ylabel="remanence [pm]", title="best so far; dots are the single loops")
ax.legend()
plt.show()

# %% [markdown]
# Look at the dots as well as the lines. Random dots are the film as it is; those of the agent climb. It does not only *find* a good place, it spends its
# time at good ones. Now and then it goes somewhere poor: that is exploration, the price of not staying blind.
#
# ## What it believes
#
# After each fit the model has an opinion on every pixel: a mean, and a standard deviation of that. Where it has measured the deviation is small, where
# nothing looks like what it knows it is large.

# %%
last = agent.fit
fig, axes = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
early = fits[min(fits)]
for ax, fit, values, title in (
    (axes[0], early, early.mean, f"expected after {early.n_observations} loops"),
    (axes[1], last, last.mean, f"expected after {last.n_observations} loops"),
    (axes[2], last, last.deviation, "and how sure it is (deviation)"),
):
    spm.plotting.plot_map(values, fit.rows, fit.frame, "m", title, ax=ax)
plt.show()

# %% [markdown]
# ## Is it right to be sure?
#
# Before each loop the agent says what it expects. Take the difference to what was found, divided by the standard deviation (the model's and the scatter
# of single places together): if the model is honest, these **z-scores** lie within ±2 nineteen times out of twenty.

# %%
mean = np.array([p.mean for p in asked])
deviation = np.hypot([p.deviation for p in asked], np.nan_to_num([p.noise for p in asked]))
z = (found - mean) / deviation
known = np.isfinite(z)
print(
    f"{np.mean(np.abs(z[known]) < 2):.0%} of {known.sum()} predictions within two standard deviations"
)

fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
axes[0].errorbar(
    1e12 * found[known], 1e12 * mean[known], 1e12 * deviation[known], fmt="o", ms=4, capsize=2
)
diagonal = 1e12 * np.array([0, np.nanmax(found)])
axes[0].plot(diagonal, diagonal, "k--", lw=1)
axes[0].set(xlabel="found [pm]", ylabel="expected before [pm]", title="each loop, predicted")
axes[1].plot(np.flatnonzero(known) + 1, z[known], "o-")
axes[1].axhspan(-2, 2, color="C2", alpha=0.15)
axes[1].set(xlabel="loop", ylabel="z-score", title="off by how many standard deviations?")
plt.show()

# %% [markdown]
# Be careful with that number. An agent asks where it expects much, and that is also where it is most likely to expect too much: the places that it chose are no
# fair sample. Whoever wants to know how good a model is, asks it about places that somebody else has chosen; that is what happens at the end.
#
# ## What has it learned?
#
# Ask the map: does what it expects go with the amplitude of the overview, or with its phase?

# %%
rows = last.rows
amplitude = overview.channel("amplitude")[rows[:, 0], rows[:, 1]]
phase = np.cos(overview.channel("phase")[rows[:, 0], rows[:, 1]])
for name, values in (("amplitude", amplitude), ("cosine of the phase", phase)):
    print(
        f"correlation of the expected remanence with the {name}: {np.corrcoef(values, last.mean)[0, 1]:+.2f}"
    )

fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained", sharey=True)
line, pixel = (np.rint(k).astype(int) for k in overview.frame.to_pixel(x, y))
axes[0].plot(1e12 * amplitude, 1e12 * last.mean, ",", color="0.6")
axes[0].plot(1e12 * overview.channel("amplitude")[line, pixel], 1e12 * found, "o", ms=4)
axes[0].set(xlabel="amplitude in the overview [pm]", ylabel="remanence [pm]")
axes[1].plot(phase, 1e12 * last.mean, ",", color="0.6", label="expected, all pixels")
axes[1].plot(np.cos(overview.channel("phase")[line, pixel]), 1e12 * found, "o", ms=4, label="found")
axes[1].set(xlabel="cosine of the phase")
axes[1].legend()
plt.show()

# %% [markdown]
# So bright places hold more polarisation, whichever way it points. A human might have guessed it; the agent had to find out, in two dozen loops, and on the next
# material it will find something else. What *no* image shows (how hard it is to switch, say) it cannot learn from the image, however deep the kernel.
#
# ## Predict
#
# The examination of a model is a place where nobody has measured. What remanence do you expect at four places, and how sure are you? Hand in the doubt of a single
# loop: the deviation of the model and the scatter around it together.

# %%
UNSEEN = 1e-6 * np.array([(-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)])
px, py = (grid[rows[:, 0], rows[:, 1]] for grid in last.frame.positions())
nearest = [int(np.argmin(np.hypot(px - u, py - v))) for u, v in UNSEEN]
expected = last.mean[nearest]
scatter = last.noise[nearest] if last.noise is not None else np.nanstd(found - mean)
doubt = np.hypot(last.deviation[nearest], scatter)
for (u, v), e, d in zip(UNSEEN, expected, doubt, strict=True):
    print(f"({1e9 * u:+.0f}, {1e9 * v:+.0f}) nm: {1e12 * e:.0f} ± {1e12 * d:.0f} pm")

# %% [markdown]
# ## Hand in

# %%
top = np.nanargmax(found)
print(exercise)
answer = exercise.hand_in(
    {
        "best": (x[top], y[top]),
        "remanence": found[top],
        "predicted": expected,
        "doubt": doubt,
        "seen": "amplitude high",
    }
)
exercise.close()
print(answer)

# %% [markdown]
# Now let it be graded:
#
# ```
# spm-auto grade deep_kernel lessons/deep_kernel/answer.json
# ```
#
# ## Your task
#
# Do it again with your own name as `student`, and:
#
# 1. Leave out `ranked_share=0.0`. What is gained by a look at the image before there is a model?
# 2. Replace `acquisition="expected_improvement"` by `"upper_confidence_bound"` with `exploration=0.2`, then `exploration=5`. What do the two paths look like?
# 3. Let `scalarizer="coercive_bias"` be the reward. Does the model still predict? What does the correlation with the image say?
# 4. With how many loops is the map of what it expects as good as it gets? (Keep the fits, as above, and compare them with the last one.)
