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
# # 5. What is a spectrum worth?
#
# A hysteresis loop is a curve of 64 points. An agent that shall decide where to measure next needs *one number*: this place was
# worth 3.1, that one 0.4. The rule that makes the number is called a **scalarizer**, and its number the **reward**. It is the place where the physics
# question enters the machine, and the machine will take it literally.
#
# In this lesson you take loops all over a ferroelectric film, turn the *same* loops into different rewards, and see that the best place of the film
# depends on what you were asking for.

# %% [markdown]
# On a machine that has nothing yet, such as Colab, one line comes first:
# ```
# pip install "spm_auto[lessons]"
# ```

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import spearmanr

import spm_auto as spm
from spm_auto.agents.scalarizers import coercive_bias, imprint, remanence, work_of_switching
from spm_auto.classroom import attend

exercise = attend("scalarizers", student="practice")
exercise

# %% [markdown]
# ## The same loops for all
#
# An overview of the domains, and then a loop at each of 12 by 12 sites. Loops disturb the film a little, so nobody takes them twice for a second question:
# what was measured is kept, and judged as often as we like.

# %%
LOOP = spm.BiasWaveform.triangle("10 V", points=64, cycles=2)
along = np.linspace(-0.92e-6, 0.92e-6, 12)
with exercise.start_run("loops") as run:
    overview = run.scan((0, 0), ("2 um", "2 um"), (128, 128), line_rate="2 Hz")
    loops = [run.acquire_spectrum(x, y, LOOP) for y in along for x in along]

x = np.array([loop.x for loop in loops])
y = np.array([loop.y for loop in loops])
fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
overview.plot("amplitude", ax=axes[0])
axes[0].plot(x, y, "w.", ms=2)
by_size = np.argsort([np.ptp(loop.channel()) for loop in loops])
for k in by_size[[20, 90, 135]]:
    axes[1].plot(loops[k].bias, 1e12 * loops[k].channel(), label=f"site {k}")
axes[1].set(xlabel="bias [V]", ylabel="piezoresponse [pm]", title="three of the 144 loops")
axes[1].legend()
plt.show()

# %% [markdown]
# ## Four rewards
#
# | scalarizer | what it asks |
# | --- | --- |
# | `remanence` | how much response stays at 0 V: half the distance of the branches there |
# | `coercive_bias` | how hard it is to switch: half the distance of the biases at which it does |
# | `imprint` | how lopsided it is: their middle |
# | `work_of_switching` | the area that the loop encloses |
#
# All of them fit the same smooth loop, and each comes with its noise. Where there is no loop, a scalarizer says so (a *flag*) instead of inventing a
# number: to an agent an invented number can be the most rewarding place of all.

# %%
RULES = (remanence, coercive_bias, imprint, work_of_switching)
judged = {rule.__name__: [rule(loop) for loop in loops] for rule in RULES}
worth = {
    name: np.array([s.value if s.is_good else np.nan for s in of]) for name, of in judged.items()
}
flags = {s.flag for s in judged["remanence"] if not s.is_good}
print(
    f"{np.isnan(worth['remanence']).sum()} of {len(loops)} loops are none:",
    *sorted(flags),
    sep="\n  ",
)

UNITS = {
    "remanence": (1e12, "pm"),
    "coercive_bias": (1, "V"),
    "imprint": (1, "V"),
    "work_of_switching": (1e9, "nm V"),
}
fig, axes = plt.subplots(1, 4, figsize=(13, 3.2), layout="constrained")
for ax, (name, values) in zip(axes, worth.items(), strict=True):
    scale, unit = UNITS[name]
    colours = "coolwarm" if name == "imprint" else "viridis"
    shown = ax.pcolormesh(1e9 * along, 1e9 * along, scale * values.reshape(12, 12), cmap=colours)
    fig.colorbar(shown, ax=ax, label=unit, shrink=0.8)
    best = np.nanargmax(values)
    ax.plot(1e9 * x[best], 1e9 * y[best], "r*", ms=12, mec="w")
    ax.set(title=name, aspect="equal", xlabel="x [nm]")
axes[0].set_ylabel("y [nm]")
plt.show()

# %% [markdown]
# Four maps of one film, and the stars are not in the same place. Two of the maps look alike, though. How much, says a **rank correlation**: 1 if both
# put the sites in the same order, 0 if they have nothing to do with each other. Agents care about the order only, not about the unit.

# %%
names = list(worth)
table = np.array(
    [[spearmanr(worth[a], worth[b], nan_policy="omit").statistic for b in names] for a in names]
)
fig, ax = plt.subplots(figsize=(5.5, 4.2), layout="constrained")
shown = ax.imshow(table, cmap="coolwarm", vmin=-1, vmax=1)
for i, j in np.ndindex(table.shape):
    ax.text(j, i, f"{table[i, j]:+.2f}", ha="center", va="center")
ax.set_xticks(range(4), names, rotation=20)
ax.set_yticks(range(4), names)
fig.colorbar(shown, ax=ax, label="rank correlation")
plt.show()

# %% [markdown]
# The area of a loop is width times height, and on this film the height varies far more than the width. So who rewards "a large area", and means "hard
# to switch", sends the agent to where the response is strong. It will be happy there, and you will not.
#
# ## Luck
#
# The highest of 144 noisy numbers is high partly because it was lucky (the *winner's curse*). A place whose neighbours are high, too, is a safer bet, if the
# property changes slowly. Let us look at the noise before we believe a maximum.

# %%
fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
for ax, name in zip(axes, ("remanence", "coercive_bias"), strict=True):
    scale, unit = UNITS[name]
    order = np.argsort(-np.nan_to_num(worth[name], nan=-np.inf))[:25]
    noise = np.array([judged[name][k].noise for k in order])
    ax.errorbar(range(1, 26), scale * worth[name][order], scale * noise, fmt="o", ms=3, capsize=2)
    ax.axhline(scale * np.nanmedian(worth[name]), ls="--", color="0.6", label="median of all sites")
    ax.set(xlabel="rank", ylabel=f"{name} [{unit}]")
    ax.legend()
plt.show()

# %% [markdown]
# ## Two wishes at once
#
# For a memory you want a strong response *and* a balanced loop: its imprint should be near 0 V, or one of the two states forgets. There are two ways to say that:
#
# - a **constraint**: the strongest of those whose imprint is within 0.3 V,
# - a **price**: remanence minus so much for each volt of imprint. How much is a volt worth? That is yours to say, and the answer depends on it.

# %%
strong, lopsided = worth["remanence"], np.abs(worth["imprint"])
balanced = lopsided < 0.3
constrained = np.nanargmax(np.where(balanced, strong, np.nan))

prices = np.array([0, 100, 300, 1000]) * 1e-12  # [m/V]
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(lopsided, 1e12 * strong, ".", color="0.7")
ax.axvspan(0, 0.3, color="C2", alpha=0.15, label="balanced")
for price in prices:
    k = np.nanargmax(strong - price * lopsided)
    ax.plot(lopsided[k], 1e12 * strong[k], "o", ms=8, label=f"best at {1e12 * price:.0f} pm/V")
ax.plot(
    lopsided[constrained], 1e12 * strong[constrained], "r*", ms=14, label="best of the balanced"
)
ax.set(xlabel="imprint, either way [V]", ylabel="remanence [pm]")
ax.legend()
plt.show()

# %% [markdown]
# The points at the upper left rim are those that nothing beats in both respects: the **Pareto front**. A price picks one of them; the agent `pareto` looks for all.
#
# ## Look twice
#
# Against luck there is one remedy: measure the best again. A place that was only lucky will not be lucky twice. So take the eight best of each wish once more, and judge each place by the
# *worse* of its two loops.

# %%
wishes = {
    "strongest": worth["remanence"],
    "hardest": worth["coercive_bias"],
    "compromise": np.where(balanced, strong, np.nan),
}
winners = {}
with exercise.start_run("again") as run:
    for name, values in wishes.items():
        eight = np.argsort(-np.nan_to_num(values, nan=-np.inf))[:8]
        second = [run.acquire_spectrum(x[k], y[k], LOOP) for k in eight]
        rule = coercive_bias if name == "hardest" else remanence
        worse = np.minimum(values[eight], [rule(loop).value for loop in second])
        if name == "compromise":
            twice = np.maximum(lopsided[eight], np.abs([imprint(loop).value for loop in second]))
            worse = np.where(twice < max(0.35, np.nanmin(twice) + 1e-9), worse, np.nan)
        winners[name] = eight[np.nanargmax(worse)]
        print(
            f"{name}: site {winners[name]} instead of {eight[0]}"
            if winners[name] != eight[0]
            else f"{name}: site {eight[0]} it is"
        )

# %% [markdown]
# ## Hand in

# %%
agreement = table[names.index("remanence"), names.index("coercive_bias")]
pairs = {
    "remanence and coercive bias": ("remanence", "coercive_bias"),
    "remanence and work of switching": ("remanence", "work_of_switching"),
    "coercive bias and imprint": ("coercive_bias", "imprint"),
}
twins = max(pairs, key=lambda p: abs(table[names.index(pairs[p][0]), names.index(pairs[p][1])]))

print(exercise)
answer = exercise.hand_in(
    {
        **{name: (x[k], y[k]) for name, k in winners.items()},
        "twins": twins,
        "agreement": agreement,
    }
)
exercise.close()
print(answer)

# %% [markdown]
# Now let it be graded:
#
# ```
# spm-auto grade scalarizers lessons/scalarizers/answer.json
# ```
#
# ## Your task
#
# Do it again with your own name as `student`. Then:
#
# 1. Write a scalarizer of your own, a function from a spectrum to a number, such as the slope of the loop at 0 V. Which of the four does it agree with?
# 2. Take the loops with an amplitude of 4 V. Which of the rewards become nonsense, which are flagged, and which just lie?
