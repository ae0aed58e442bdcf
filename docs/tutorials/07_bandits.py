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
# # 7. Bandits, and the shortest way
#
# A slot machine is a one-armed bandit: pull the arm, and sometimes it pays. Stand before four of them, with fifty coins and no idea which one pays best. Try them
# all equally often, and most coins go to the bad ones. Stay with the first that paid, and you may never meet the best. This is the dilemma of *exploring* and
# *exploiting* without anything around it, and a microscope is full of it: which amplitude, which speed, how many averages?
#
# Here the arms are **pulses** that shall turn a ferroelectric domain over. A weak pulse often fails; a strong one succeeds, but costs. And there is a **context**: near
# a domain wall the polarisation turns more easily than deep inside a domain. In the second half a tour is to be planned: what is the shortest way along eight hills?

# %% [markdown]
# On a machine that has nothing yet, such as Colab, one line comes first:
# ```
# pip install "spm_auto[lessons]"
# ```

# %%
from itertools import permutations

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

import spm_auto as spm
from spm_auto.classroom import attend
from spm_auto.instrument import Channel

exercise = attend("bandits", student="practice")
exercise

# %% [markdown]
# ## The context: where are the walls?
#
# The phase of the overview is 0 or 180 degrees: the domains. A wall is where it changes, and the distance from it is a matter of counting pixels.
#
# - *near*: 8 to 22 nm from the nearest wall,
# - *deep*: at least 75 nm from it.

# %%
with exercise.start_run("overview") as run:
    overview = run.scan((0, 0), ("2 um", "2 um"), (256, 256), line_rate="2 Hz")

response = overview.channel("amplitude") * np.cos(overview.channel("phase"))
is_up = gaussian_filter(response, 1) > 0
pixel = overview.frame.size[0] / 256
wall = distance_transform_edt(is_up) + distance_transform_edt(~is_up) - 0.5
wall *= pixel  # [m] from the middle of a pixel to the nearest wall
X, Y = overview.frame.positions()
contexts = {"near": (wall > 8e-9) & (wall < 22e-9), "deep": wall > 75e-9}

fig, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
overview.plot("phase", ax=axes[0])
spm.plotting.plot_image(wall, overview.frame, Channel("distance", "m"), ax=axes[1])
for name, colour in (("near", "w"), ("deep", "r")):
    axes[1].contour(X, Y, contexts[name], levels=[0.5], colors=colour, linewidths=0.5)
axes[1].set_title("white: near, red: deep", loc="right")
plt.show()

# %% [markdown]
# Noise makes single pixels flip, and a flipped pixel would be a domain with a wall of its own. So the response was smoothed a little before its sign was taken: amplitude
# times the cosine of the phase, and not the angle, as the mean of +180° and −180° is not 0°.
#
# ## One pull
#
# A pulse of 16 ms, read at 0 V before and after it. It has turned the domain over if the response has changed its sign: let
# $T$ be 1 then, and 0 if not. So, with $V$ in volts,
#
# $$ r = T - 0.008\,V^2 $$
#
# is what it is worth: the price stands for the tip, which wears, and for the dot, which grows larger than you wanted. Which sign turns what? A positive bias makes
# the response positive, as a loop would show; so the pulse has to be of the other sign than the response.

# %%
ARMS = (3.0, 4.5, 6.0, 8.0)


def pull(run, x, y, arm):
    """Pulse at a place [m] with the sign that may turn it over; returns what it was worth."""
    sign = -1 if is_up[np.argmin(np.abs(Y[:, 0] - y)), np.argmin(np.abs(X[0] - x))] else 1
    spectrum = run.acquire_spectrum(
        x, y, spm.BiasWaveform((0.0,) * 6 + (sign * arm,) * 2 + (0.0,) * 7)
    )
    response = spectrum.channel()
    is_turned = response[:6].mean() * response[9:].mean() < 0
    return float(is_turned) - 0.008 * arm**2, response


def sites(mask, n, apart, rng):
    """Draw places of a kind that do not disturb each other."""
    chosen = []
    for i in rng.permutation(np.flatnonzero(mask)):
        place = X.flat[i], Y.flat[i]
        if all(np.hypot(place[0] - u, place[1] - v) > apart for u, v in chosen):
            chosen.append(place)
        if len(chosen) == n:
            break
    return chosen


rng = np.random.default_rng(7)
places = {"deep": sites(contexts["deep"], 60, 90e-9, rng)}
free = contexts["near"].copy()
for u, v in places["deep"]:
    free &= np.hypot(X - u, Y - v) > 90e-9
places["near"] = sites(free, 60, 90e-9, rng)
print({name: len(where) for name, where in places.items()}, "places")

# %% [markdown]
# ## Thompson's rule
#
# What you know of an arm after $s$ successes and $f$ failures is a Beta distribution for its chance: narrow if you pulled it often. W. R. Thompson (1933) plays like
# this: *draw* a chance for each arm from what you know of it, and pull the arm that is best in this draw. An arm that you hardly know draws high now and then, so it
# is tried; one that you know to be bad never does. It explores exactly as long as there is doubt, and there is nothing to tune.
#
# With a context, each context has arms of its own. Each arm is pulled four times to begin with: we also want to *say* what it is worth.


# %%
def play(run, name, record):
    """Play Thompson's rule in one context; each place is used once."""
    wins, losses = (
        np.ones(len(ARMS)),
        np.ones(len(ARMS)),
    )  # before the first pull: anything is possible
    for number, (u, v) in enumerate(places[name]):
        worth = rng.beta(wins, losses) - 0.008 * np.square(ARMS)
        k = number % len(ARMS) if number < 16 else int(np.argmax(worth))
        reward, _ = pull(run, u, v, ARMS[k])
        is_turned = reward + 0.008 * ARMS[k] ** 2 > 0.5
        wins[k] += is_turned
        losses[k] += not is_turned
        record.append((k, reward))
    return wins, losses


known, played = {}, {"near": [], "deep": []}
with exercise.start_run("bandit") as run:
    for name in ("near", "deep"):
        known[name] = play(run, name, played[name])

fig, axes = plt.subplots(1, 2, figsize=(11, 3.2), layout="constrained", sharey=True)
for ax, name in zip(axes, played, strict=True):
    arms = np.array([k for k, _ in played[name]])
    paid = np.array([reward > 0 for _, reward in played[name]])
    ax.plot(np.flatnonzero(paid) + 1, arms[paid], "o", color="C2", label="turned over")
    ax.plot(np.flatnonzero(~paid) + 1, arms[~paid], "x", color="C3", label="not")
    ax.set(xlabel="pulse", title=name, yticks=range(4), yticklabels=[f"{a:g} V" for a in ARMS])
axes[1].legend(loc="lower right")
plt.show()

# %% [markdown]
# Watch how it settles: first a bit of everything, then nearly always the same. Where two arms are nearly alike it goes on wavering between them, and rightly so: it
# costs next to nothing to take the wrong one.
#
# ## What is it worth to look?

# %%
mean, sigma = {}, {}
for name, (wins, losses) in known.items():
    n = wins + losses
    mean[name] = wins / n - 0.008 * np.square(ARMS)
    sigma[name] = np.sqrt(wins * losses / (n**2 * (n + 1)))

fig, ax = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
for shift, name in ((-0.08, "near"), (0.08, "deep")):
    ax.errorbar(np.array(ARMS) + shift, mean[name], sigma[name], fmt="o-", capsize=3, label=name)
both = (mean["near"] + mean["deep"]) / 2
ax.plot(ARMS, both, "k--", label="without looking")
ax.axhline(0, color="0.8", zorder=0)
ax.set(xlabel="pulse [V]", ylabel="worth on average", xticks=ARMS)
ax.legend()
plt.show()

best = {name: int(np.argmax(values)) for name, values in mean.items()}
context = (mean["near"].max() + mean["deep"].max()) / 2 - both.max()
print(
    f"near: {ARMS[best['near']]:g} V, deep: {ARMS[best['deep']]:g} V; looking first gains {context:.2f} a pulse"
)

# %% [markdown]
# The arms that were not pulled much have wide bars, and the bandit does not care: it wants to win, not to know. But *you* shall say what the best arm is worth, and
# there may be two of them within each other's bars. If so, spend some more pulses on these two; a good experiment is one that answers the question that is asked.
#
# **Regret** is what was lost against somebody who had known the best arm from the start. For a good rule it flattens out: the price of learning is paid once.

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.2), layout="constrained")
for name in ("near", "deep"):
    lost = np.array([mean[name].max() - mean[name][k] for k, _ in played[name]])
    ax.plot(np.cumsum(lost), label=f"Thompson, {name}")
    ax.plot(np.arange(len(lost)) * (mean[name].max() - mean[name].mean()), ":", color="0.5")
ax.set(xlabel="pulse", ylabel="regret so far", title="dotted: arms drawn evenly")
ax.legend()
plt.show()

# %% [markdown]
# ## The shortest way
#
# Now something else that costs: the way. Visit eight hills of the film, its highest places that are at least 200 nm apart. In which order? There are
# 8! / 2 = 20160 ways, so simply try them all. (With twenty places it would be $10^{18}$, and nobody tries them all: then one takes the nearest next, and mends crossings.)

# %%
height = (overview.channel("height") + overview.channel("height", backward=True)) / 2
height = gaussian_filter(height, 1)  # single lines jump a little
hills = []
for i in np.argsort(-height, axis=None):
    place = np.array([X.flat[i], Y.flat[i]])
    if all(np.hypot(*(place - other)) > 0.22e-6 for other in hills):
        hills.append(place)
    if len(hills) == 8:
        break
hills = np.array(hills)
apart = np.hypot(*(hills[:, None] - hills[None]).T)


def length(order):
    """Length of an open path [m]."""
    order = np.asarray(order)
    return apart[order[:-1], order[1:]].sum()


nearest = [0]
while len(nearest) < 8:
    left = [k for k in range(8) if k not in nearest]
    nearest.append(min(left, key=lambda k: apart[nearest[-1], k]))
shortest = min((p for p in permutations(range(8)) if p[0] < p[-1]), key=length)

fig, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
tours = {"by height": range(8), "always the nearest": nearest, "the shortest": shortest}
for ax, (name, order) in zip(axes, tours.items(), strict=True):
    spm.plotting.plot_image(height, overview.frame, Channel("height", "m"), ax=ax)
    ax.plot(*hills[list(order)].T, "w.-", lw=1.5, ms=9)
    ax.set_title(f"{name}: {1e6 * length(order):.1f} µm", loc="right")
plt.show()

# %% [markdown]
# On this film the way costs fractions of a second. On a coarse stage, which withdraws the tip and approaches anew, it is a minute each time, and an agent that counts
# seconds (`cost_aware`) chooses otherwise than one that does not.
#
# ## Hand in

# %%
print(exercise)
answer = exercise.hand_in(
    {
        "near": f"{ARMS[best['near']]:g} V",
        "deep": f"{ARMS[best['deep']]:g} V",
        "expected": (mean["near"].max(), mean["deep"].max()),
        "context": context,
        "tour": hills[list(shortest)].ravel(),
    }
)
exercise.close()
print(answer)

# %% [markdown]
# Now let it be graded:
#
# ```
# spm-auto grade bandits lessons/bandits/answer.json
# ```
#
# ## Your task
#
# Do it again with your own name as `student`: another film, walls that are pinned more or less strongly. Then:
#
# 1. Play *greedily*: always the arm with the best mean so far. How often, in ten tries on paper, does it stay with a bad one?
# 2. Play without a context, near and deep mixed. Which arm wins, and what do you lose?
# 3. A pulse at a place changes the film around it. How would you notice that your places are too near to each other?
