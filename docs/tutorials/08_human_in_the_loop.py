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
# # 8. A human in the loop
#
# In a magnetic field a type-II superconductor lets the flux in as **vortices**: threads of normal metal, each with one flux quantum, which repel each other and form a
# triangular lattice. A topograph does not show them. A tunnelling spectrum does: the gap of the superconductor closes towards the core of a vortex.
#
# An agent that is rewarded for a filled gap finds a vortex soon. And then it stays there, because nothing better is to be had: it does what it was told, not what you
# meant, which was *find the vortices*. You could write a cleverer reward. Or you look on, and step in. In this lesson you do the latter, and everything that you do is recorded,
# so that whoever reads the run knows what was the agent's and what was yours.

# %% [markdown]
# On a machine that has nothing yet, such as Colab, one line comes first:
# ```
# pip install "spm_auto[dkl,lessons]"
# ```

# %%
import matplotlib.pyplot as plt
import numpy as np

import spm_auto as spm
from spm_auto.agents import ForbidRegion, ForcePoint, SetExploration
from spm_auto.agents.scalarizers import zero_bias_conductance
from spm_auto.classroom import attend
from spm_auto.data import Intervention

exercise = attend("human_in_the_loop", student="practice")
exercise

# %% [markdown]
# ## What a topograph shows
#
# Nothing much: a flat surface, and the noise of a good microscope. So take a spectrum in the middle of it. dI/dV is a measure of how many states there are at an energy, and the
# gap is where there are none. The reward is how much of the gap is filled: dI/dV within 1 mV, over that outside.

# %%
SWEEP = spm.BiasWaveform.sweep("-3 mV", "3 mV", points=61)
SIDE = 116e-9


def filling(spectrum):
    """How much of the gap is filled: 0 far from vortices, about 1 in a core."""
    bias, didv = np.abs(spectrum.bias), spectrum.channel("didv")
    return float(didv[bias < 1.05e-3].mean() / didv[bias > 2.5e-3].mean())


def begin(run):
    """Scan, and make an agent that wants the gap filled; its first 12 places are random."""
    image = run.scan((0, 0), (SIDE, SIDE), (48, 48), channels=["height"], line_rate="4 Hz")
    agent = spm.agents.make(
        "gp", image, scalarizer=filling, seed=3, initial=12, ranked_share=0.0,
        acquisition="upper_confidence_bound", exploration=1.0, refit_every=6,
    )  # fmt: skip
    return image, agent


def explore(run, agent, n):
    """Let the agent choose n places; returns x, y and reward of each, shape (n, 3)."""
    found = []
    for proposal in agent.proposals(n):
        spectrum = run.acquire_spectrum(proposal.x, proposal.y, SWEEP)
        found.append((proposal.x, proposal.y, agent.tell(proposal, spectrum).value))
    return np.array(found).reshape(-1, 3)


with exercise.start_run("look") as run:
    image = run.scan((0, 0), (SIDE, SIDE), (128, 128), channels=["height"], line_rate="4 Hz")
    spectrum = run.acquire_spectrum(0, 0, SWEEP)

fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
image.plot("height", ax=axes[0])
didv = spectrum.channel("didv")
axes[1].plot(1e3 * spectrum.bias, didv / np.median(didv[np.abs(spectrum.bias) > 2.5e-3]))
axes[1].set(
    xlabel="bias [mV]", ylabel="dI/dV over the normal one", title="a spectrum in the middle"
)
plt.show()

# %% [markdown]
# ## Alone
#
# First without a human: 60 spectra.

# %%
with exercise.start_run("alone") as run:
    image, agent = begin(run)
    alone = explore(run, agent, 60)

fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
image.plot("height", ax=axes[0])
axes[0].plot(*alone[:, :2].T, "w-", lw=0.4)
shown = axes[0].scatter(*alone[:, :2].T, c=alone[:, 2], cmap="plasma", s=24, edgecolor="w", lw=0.4)
step = np.hypot(*np.diff(alone[:, :2], axis=0).T)
axes[1].plot(alone[:, 2], "o", ms=4, color="C1", label="how much of the gap is filled")
axes[1].step(np.arange(1, 60), step / SIDE, color="C0", label="way, in widths of the image")
axes[1].set(xlabel="spectrum", title="it found something, and then?")
axes[1].legend()
plt.show()

# %% [markdown]
# After a while the steps are short and the reward is high. The watch of a recipe's run calls that *stuck* (`docs/agents.md`): many choices in a row within a small place, and nothing better
# found. Before you decide what to do about it, look at what holds the agent: take a spectrum there.

# %%
best = alone[np.argmax(alone[:, 2])]
with exercise.start_run("what is it") as run:
    trap = run.acquire_spectrum(best[0], best[1], SWEEP)

fig, ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
for name, each in (("where it stays", trap), ("in the middle", spectrum)):
    didv = each.channel("didv")
    ax.plot(1e3 * each.bias, didv / np.median(didv[np.abs(each.bias) > 2.5e-3]), label=name)
ax.set(xlabel="bias [mV]", ylabel="dI/dV over the normal one")
ax.legend()
plt.show()

# %% [markdown]
# The gap is gone, there is even a peak in its place, and nothing is to be seen in the topograph: the core of a vortex.
#
# ## Stepping in
#
# What can be asked of an agent are values, and there are few of them: *forbid* a region, *force* a point, say that the unknown is worth more (*exploration*), *prefer* one place to
# another, judge by *another scalarizer*. Each carries who wanted it, and why. So:
#
# - **forbid** 20 nm around the vortex that it has. Vortices repel each other: no other one is that near.
# - make it **curious**: three standard deviations of what is not known count as much as what is.
#
# Do that every twelve spectra, with all vortices that are known by then.


# %%
def cores(found, least=0.75, radius=15e-9):
    """Return the vortices among what was found: the highest place, then the highest away from it."""
    places = []
    for u, v, _ in sorted((f for f in found if f[2] > least), key=lambda f: -f[2]):
        if all(np.hypot(u - a, v - b) > radius for a, b in places):
            places.append((u, v))
    return places


helped = np.empty((0, 3))
with exercise.start_run("helped") as run:
    image, agent = begin(run)
    known = []
    for _ in range(5):
        helped = np.vstack([helped, explore(run, agent, 12)])
        for place in cores(helped):
            if all(np.hypot(place[0] - a, place[1] - b) > 15e-9 for a, b in known):
                agent.steer(ForbidRegion(place, radius=20e-9), who="me", why="a vortex, known")
                known.append(place)
        agent.steer(SetExploration(3.0), who="me", why="there are more of them")

fig, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for ax, found, name in ((axes[0], alone, "alone"), (axes[1], helped, "helped")):
    image.plot("height", ax=ax)
    ax.scatter(*found[:, :2].T, c=found[:, 2], cmap="plasma", s=20, edgecolor="w", lw=0.4)
    places = np.array(cores(found))
    ax.plot(*places.T, "o", ms=22, mfc="none", mec="c", mew=1.5)
    ax.set_title(f"{name}: {len(places)} vortices in 60 spectra", loc="right")
plt.show()

# %% [markdown]
# ## Where exactly?
#
# A core fades over 8 nm, and the agent has not always hit its middle. So take a small raster of spectra around each, go to its centre of mass, and do that once more. The conductance at
# 0 V alone is the sharper guide here.


# %%
def centre(run, place):
    """Return the middle of a vortex near a place, and how high the conductance is there."""
    offsets = np.arange(-2, 3) * 4e-9
    for _ in range(2):
        u, v = np.clip(place, -SIDE / 2 + 8e-9, SIDE / 2 - 8e-9)
        at = np.array([(a, b) for a in u + offsets for b in v + offsets])
        zero = [zero_bias_conductance(run.acquire_spectrum(a, b, SWEEP)).value for a, b in at]
        weight = np.clip(zero - np.median(zero), 0, None)
        place = weight @ at / weight.sum()
    return place, np.max(zero)


def add(run, centres, candidates):
    """Go to each candidate, and keep those that are vortices and not known yet."""
    for place in candidates:
        middle, highest = centre(run, place)
        if highest > 1.0 and all(np.hypot(*(middle - other)) > 20e-9 for other in centres):
            centres.append(middle)


centres = []
with exercise.start_run("closer") as run:
    add(run, centres, cores(np.vstack([helped, alone])))
print(len(centres), "vortices, with what the agent found alone")

# %% [markdown]
# ## What only you know
#
# The agent does not know that vortices form a lattice. You do: where two of them are known the third cannot be far from the tip of an equilateral triangle over them, to either side. So **force**
# the agent to look there, add what is found, and guess again. (A point outside of the image is refused, and nothing has changed.)


# %%
def guesses(places):
    """Where a triangular lattice through the two nearest of some places has its next points."""
    places = np.array(places)
    apart = np.hypot(*(places[:, None] - places[None]).T)
    np.fill_diagonal(apart, np.inf)
    i, j = np.unravel_index(np.argmin(apart), apart.shape)
    a, turn = places[j] - places[i], np.array([[0.5, -np.sqrt(0.75)], [np.sqrt(0.75), 0.5]])
    around = [places[i] + m * a + n * (turn @ a) for m in range(-2, 3) for n in range(-2, 3)]
    inside = [p for p in around if np.max(np.abs(p)) < SIDE / 2]
    return [p for p in inside if np.min(np.hypot(*(places - p).T)) > 20e-9]


forced = np.empty((0, 3))
with exercise.start_run("forced") as run:
    image, agent = begin(run)
    for _ in range(3):
        wanted = guesses(centres)
        for u, v in wanted:
            agent.steer(ForcePoint(u, v), who="me", why="the lattice has a point here")
        looked = explore(run, agent, len(wanted))
        forced = np.vstack([forced, looked])
        add(run, centres, [(u, v) for u, v, filled in looked if filled > 0.5])
print("how full the gap was where the lattice was expected:", np.round(forced[:, 2], 2))

# %%
centres = np.array(centres)
apart = np.hypot(*(centres[:, None] - centres[None]).T)[np.triu_indices(len(centres), 1)]
spacing = apart[apart < 1.35 * apart.min()].mean()
FLUX = 2.067833848e-15  # [Wb], CODATA 2022: h / 2e
field = 2 * FLUX / (np.sqrt(3) * spacing**2)

fig, ax = plt.subplots(figsize=(5.4, 4.4), layout="constrained")
image.plot("height", ax=ax)
for i, p in enumerate(centres):
    for q in centres[:i]:
        if np.hypot(*(p - q)) < 1.35 * apart.min():
            ax.plot(*np.array([p, q]).T, "c-", lw=1)
ax.plot(*centres.T, "o", ms=9, mfc="c", mec="k")
ax.set_title(f"{1e9 * spacing:.1f} nm: {field:.2f} T", loc="right")
plt.show()

# %% [markdown]
# Each vortex carries one flux quantum $\Phi_0 = h / 2e$, and in a triangular lattice of spacing $a$ each has an area of $\sqrt{3} a^2 / 2$. So the spacing of some dark
# spots is a measure of the magnetic field:
#
# $$ B = \frac{2 \Phi_0}{\sqrt{3}\, a^2}. $$
#
# ## What is on record

# %%
for record in spm.open_run(exercise.folder / "helped").records:
    if isinstance(record.event, Intervention):
        event = record.event
        print(f"{record.time:6.0f} s  {event.who}: {event.what} ({event.why})")

# %% [markdown]
# Who repeats this run gets the same, your interventions included. Without that line of the record your result would look like the agent's.
#
# ## Hand in

# %%
print(exercise)
order = np.argsort(np.hypot(*centres.T))[:4]  # away from the rim
answer = exercise.hand_in(
    {
        "held": "a vortex",
        "cores": centres[order].ravel(),
        "spacing": spacing,
        "field": f"{field:.3f} T",
    }
)
exercise.close()
print(answer)

# %% [markdown]
# Now let it be graded:
#
# ```
# spm-auto grade human_in_the_loop lessons/human_in_the_loop/answer.json
# ```
#
# ## Your task
#
# Do it again with your own name as `student`: another field, another lattice. Then:
#
# 1. Step in less often. How many interventions does it take to find four vortices in 60 spectra?
# 2. Do without a human: write a scalarizer, or choose another agent (`curious`), that finds them all by itself. What does *it* get wrong?
# 3. Steer a run from another terminal, while it goes on: `spm-auto steer` (`docs/steering.md`).
