"""Garbling: replies that are cut short or no longer what was sent, as arrays and as bytes."""

import numpy as np

from spm_auto.instrument import FloatArray

ABSURD = (np.nan, np.inf, -np.inf, 0.0, 1e38, -1e38, 4294967295.0, 2.5e-310)


def truncated(data: FloatArray, keep: float) -> FloatArray:
    """Return the first share of the points along the last axis; at least one is lost."""
    points = data.shape[-1]
    return data[..., : min(int(keep * points), max(points - 1, 0))]


def truncated_bytes(reply: bytes, keep: float) -> bytes:
    """Return the first part of a reply; of a reply that is not empty at least one byte is lost."""
    return reply[: min(int(keep * len(reply)), max(len(reply) - 1, 0))]


def garbled_bytes(reply: bytes, rng: np.random.Generator) -> bytes:
    """Return a reply of the same length with about half of its bytes changed, one at least."""
    before = np.frombuffer(reply, dtype=np.uint8)
    if not len(before):
        return reply
    flips = rng.integers(1, 256, len(before), dtype=np.uint8)
    is_hit = rng.random(len(before)) < 0.5
    is_hit[rng.integers(len(before))] = True
    return np.where(is_hit, before ^ flips, before).astype(np.uint8).tobytes()


def garbled(data: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return data of the same shape with about half of its values absurd."""
    absurd = rng.choice(np.array(ABSURD), data.shape)
    return np.where(rng.random(data.shape) < 0.5, absurd, data)
