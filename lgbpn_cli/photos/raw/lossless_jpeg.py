"""Lossless JPEG (ITU-T T.81, annex H) of samples of 16 bits, as tiles of DNG files hold it.

NumPy codes many samples at once: libjpeg-turbo goes from sample to sample and takes three times as long.
"""

from __future__ import annotations

import heapq
import struct
from functools import cache

import numpy as np

LEFT = 1
"""The predictor: each sample is told from the one before it in its row, the first of a row from the one above."""
SIZES = 17
"""Of differences: how many bits they have, 0 to 16."""
LONGEST_CODE = 16
SAMPLES_AT_A_TIME = 1 << 16
"""Temporary arrays stay in the processor's caches."""
WORD_BITS = 64


def encode_lossless(samples: np.ndarray) -> bytes:
    """Return a JPEG that holds samples (h, w, 1 to 4), uint16, exactly."""
    differences = _differences(samples)
    counts = np.bincount(differences, minlength=1 << 16)
    sizes, extra = _sizes_and_extra_bits()
    lengths = code_lengths(np.bincount(sizes, counts, SIZES).astype(np.int64).tolist())
    ordered = sorted((length, size) for size, length in enumerate(lengths) if length)
    code_of_size = np.zeros(SIZES, np.uint32)
    code = 0
    for (length, size), (longer, _) in zip(ordered, [*ordered[1:], ordered[-1]], strict=True):
        code_of_size[size] = code
        code = (code + 1) << (longer - length)
    extra_bits = np.arange(SIZES, dtype=np.uint32)
    extra_bits[16] = 0  # only one difference is that large
    words = (code_of_size << extra_bits)[sizes] | extra
    bits = (np.array(lengths, np.uint32) + extra_bits).astype(np.uint8)[sizes]
    total_bits = int(counts @ bits.astype(np.int64))
    return _head(samples.shape, ordered) + _packed(differences, words, bits, total_bits) + b"\xff\xd9"


def _differences(samples: np.ndarray) -> np.ndarray:
    """Return by how much each sample differs from what it is told from, modulo 2 ** 16, in the order of the file."""
    found = np.empty_like(samples)
    np.subtract(samples[:, 1:], samples[:, :-1], out=found[:, 1:])
    np.subtract(samples[1:, 0], samples[:-1, 0], out=found[1:, 0])
    found[0, 0] = samples[0, 0] - np.uint16(1 << 15)
    return found.ravel()


@cache
def _sizes_and_extra_bits() -> tuple[np.ndarray, np.ndarray]:
    """Return of each difference how many bits it has, and these bits: a negative one's are those of it less one."""
    signed = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)
    sizes = np.frexp(np.abs(signed).astype(np.float32))[1].astype(np.uint8)
    extra = np.where(signed < 0, signed - 1, signed) & ((1 << sizes.astype(np.int32)) - 1)
    extra[1 << 15] = 0
    return sizes, extra.astype(np.uint32)


def code_lengths(counts: list[int]) -> list[int]:
    """Return the bits of Huffman's code for each symbol, 0 for what does not occur; at most LONGEST_CODE.

    One code more would fit in: none consists of ones alone, which T.81 does not allow.
    """
    while True:
        heap = [(count, symbol, [symbol]) for symbol, count in enumerate(counts) if count]
        heap.append((0, -1, []))
        heapq.heapify(heap)
        lengths = [0] * len(counts)
        while len(heap) > 1:
            (fewer, first, some), (more, _, others) = heapq.heappop(heap), heapq.heappop(heap)
            for symbol in some + others:
                lengths[symbol] += 1
            heapq.heappush(heap, (fewer + more, first, some + others))
        if max(lengths) <= LONGEST_CODE:
            return lengths
        counts = [-(-count // 2) for count in counts]  # more alike, so the longest codes are shorter


def _packed(differences: np.ndarray, words: np.ndarray, bits: np.ndarray, total_bits: int) -> bytes:
    """Return all codes one behind the other, filled up with ones, and a zero behind each byte of ones."""
    packed = np.zeros(total_bits // WORD_BITS + 2, np.uint64)
    wide, end = words.astype(np.uint64), 0
    for begin in range(0, len(differences), SAMPLES_AT_A_TIME):
        places = differences[begin : begin + SAMPLES_AT_A_TIME].astype(np.intp)
        end = _pack(packed, end, *_in_fours(wide.take(places), bits.take(places)))
    data = packed.astype(">u8").view(np.uint8)[: -(-total_bits // 8)]
    data[-1] |= (1 << (-total_bits % 8)) - 1
    return data.tobytes().replace(b"\xff", b"\xff\0")


def _in_fours(codes: np.ndarray, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each four codes as one, uint64, and its bits, uint8; as two where they have more bits than a word."""
    if len(codes) % 4:
        return codes, bits
    pairs, of_pairs = _joined(codes, bits)
    fours, of_fours = _joined(pairs, of_pairs)
    long = np.flatnonzero(of_fours > WORD_BITS)
    if long.size:
        fours[long], of_fours[long] = pairs[2 * long], of_pairs[2 * long]
        fours = np.insert(fours, long + 1, pairs[2 * long + 1])
        of_fours = np.insert(of_fours, long + 1, of_pairs[2 * long + 1])
    return fours, of_fours


def _joined(codes: np.ndarray, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (codes[::2] << bits[1::2]) | codes[1::2], bits[::2] + bits[1::2]


def _pack(packed: np.ndarray, end: int, codes: np.ndarray, bits: np.ndarray) -> int:
    """Add codes of at most WORD_BITS bits to `packed`, behind its first `end` bits, and return where they end.

    Two words hold a code whatever bit of the first it begins at, and one begins in each word. The codes of a word share
    no bits, so their sum is all of them.
    """
    lengths = bits.astype(np.int64)
    ends = np.cumsum(lengths)
    ends += end
    begins = ends - lengths
    beyond = (begins & (WORD_BITS - 1)) + lengths - WORD_BITS
    in_next = np.maximum(beyond, 0)
    begins //= WORD_BITS
    last = np.append(np.flatnonzero(begins[1:] != begins[:-1]), len(begins) - 1)
    first = np.append(0, last[:-1] + 1)
    right = in_next.astype(np.uint64)
    sums = np.add.reduceat((codes << (in_next - beyond).astype(np.uint64)) >> right, first)
    word = int(begins[0])
    packed[word : word + len(sums)] += sums
    # Only a word's last code goes on in the next one. Shifted by all of its bits, a number is zero.
    packed[word + 1 : word + 1 + len(sums)] += codes[last] << (np.uint64(WORD_BITS) - right[last])
    return int(ends[-1])


def _head(shape: tuple[int, ...], ordered: list[tuple[int, int]]) -> bytes:
    """Return all that comes before the codes; `ordered` are lengths of codes and the sizes that they stand for."""
    height, width, components = shape
    numbers = range(1, components + 1)
    frame = struct.pack(">BHHB", 16, height, width, components)
    frame += b"".join(struct.pack("BBB", number, 0x11, 0) for number in numbers)
    of_length = [sum(length == wanted for length, _ in ordered) for wanted in range(1, LONGEST_CODE + 1)]
    table = bytes([0, *of_length, *(size for _, size in ordered)])
    scan = bytes([components, *(byte for number in numbers for byte in (number, 0)), LEFT, 0, 0])
    return b"\xff\xd8" + b"".join(
        struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content
        for marker, content in ((0xC3, frame), (0xC4, table), (0xDA, scan))
    )
