"""Writes privacy.json, the vectors of commitments and sealed outputs: `python3 privacy.py > privacy.json`.

Written from the Poseidon paper (https://eprint.iacr.org/2019/458, appendix F for the constants), for comparison with
the Rust and the JavaScript code: nothing is shared with either. Needs the standard library only.

Scalars are 32 bytes, little-endian, in hexadecimal.
"""

import hashlib
import json

P = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
BITS, T, FULL, PARTIAL = 255, 5, 8, 60


def grain():
    """The bits of the self-shrinking Grain LFSR, seeded with the parameters."""
    state = []
    for value, width in [(1, 2), (0, 4), (BITS, 12), (T, 12), (FULL, 10), (PARTIAL, 10), (2**30 - 1, 30)]:
        state += [value >> at & 1 for at in reversed(range(width))]

    def step():
        bit = state[62] ^ state[51] ^ state[38] ^ state[23] ^ state[13] ^ state[0]
        state.append(bit)
        state.pop(0)
        return bit

    for _ in range(160):
        step()
    while True:
        keep, bit = step(), step()
        if keep:
            yield bit


def constants():
    bits = grain()

    def number():
        value = 0
        for _ in range(BITS):
            value = value << 1 | next(bits)
        return value

    def below_p():
        while (value := number()) >= P:
            pass
        return value

    rounds = [[below_p() for _ in range(T)] for _ in range(FULL + PARTIAL)]
    x = [number() % P for _ in range(T)]
    y = [number() % P for _ in range(T)]
    return rounds, [[pow(x[i] + y[j], -1, P) for j in range(T)] for i in range(T)]


ROUNDS, MDS = constants()


def permute(state):
    for index, keys in enumerate(ROUNDS):
        state = [(a + b) % P for a, b in zip(state, keys)]
        full = index < FULL // 2 or index >= FULL // 2 + PARTIAL
        state = [pow(a, 5, P) if full or i == 0 else a for i, a in enumerate(state)]
        state = [sum(m * a for m, a in zip(row, state)) % P for row in MDS]
    return state


def domain(tag, count):
    message = b"aimodel/poseidon/1" + tag.encode() + count.to_bytes(8, "little")
    return int.from_bytes(hashlib.blake2b(message, digest_size=32).digest()[:31], "little")


def sponge(tag, scalars):
    state = [domain(tag, len(scalars)), 0, 0, 0, 0]
    for at in range(0, len(scalars), 4):
        block = (scalars[at : at + 4] + [0] * 4)[:4]
        state = permute([state[0]] + [(a + b) % P for a, b in zip(state[1:], block)])
    return state[1]


WIDTHS = {"u8": 1, "i8": 1, "i32": 4}


def pack(dtype, data):
    width, signed = WIDTHS[dtype], dtype.startswith("i")
    elements = [int.from_bytes(data[at : at + width], "little", signed=signed) for at in range(0, len(data), width)]
    offset = 1 << 8 * width - 1 if signed else 0
    per_scalar = 248 // (8 * width)
    return [
        sum((x + offset) << 8 * width * k for k, x in enumerate(elements[at : at + per_scalar]))
        for at in range(0, len(elements), per_scalar)
    ]


def hexed(scalar):
    return scalar.to_bytes(32, "little").hex()


def noise(seed, count):
    """Bytes that look random."""
    stream = b"".join(hashlib.blake2b(seed.encode() + bytes([i])).digest() for i in range(count // 64 + 1))
    return stream[:count]


def number(seed):
    """A scalar that looks random."""
    return int.from_bytes(noise(seed, 64), "little") % P


def commitment(dtype, data, salt, holder):
    scalars = pack(dtype, data)
    return {
        "dtype": dtype,
        "bytes": data.hex(),
        "salt": salt.hex(),
        "holder": hexed(holder),
        "scalars": [hexed(x) for x in scalars],
        "domain": hexed(domain("input", 2 + len(scalars))),
        "commitment": hexed(sponge("input", [int.from_bytes(salt, "little"), holder] + scalars)),
    }


def sealed(dtype, data, salt, binding):
    scalars = pack(dtype, data)
    key = int.from_bytes(salt, "little")
    named = sponge("output", [key, binding] + scalars)
    blocks = [permute([domain("stream", 4), key, binding, named, j]) for j in range(-(-len(scalars) // 4))]
    stream = [scalar for block in blocks for scalar in block[1:]][: len(scalars)]
    ciphertext = [(x + k) % P for x, k in zip(scalars, stream)]
    return {
        "dtype": dtype,
        "bytes": data.hex(),
        "salt": salt.hex(),
        "binding": hexed(binding),
        "scalars": [hexed(x) for x in scalars],
        "commitment": hexed(named),
        "keystream": [hexed(x) for x in stream],
        "sealed": "".join(hexed(x) for x in [named] + ciphertext),
    }


def vectors():
    states = [[0] * 5, [1, 2, 3, 4, 5], [P - 1] * 5, [number(f"state {i}") for i in range(5)]]
    # Nothing (only the output is committed), one scalar, a full block, a block and one scalar, many.
    inputs = [("u8", 0), ("u8", 1), ("u8", 62), ("u8", 63), ("u8", 64), ("u8", 784), ("i8", 31), ("i32", 40)]
    outputs = [("u8", 1), ("i32", 40), ("i32", 28 * 4), ("i32", 29 * 4), ("i8", 155), ("i32", 1000)]
    extremes = [("u8", b"\xff" * 31), ("i32", b"\x00\x00\x00\x80" * 7 + b"\xff\xff\xff\x7f")]
    salts = [bytes(31), b"\xff" * 31]
    return {
        "about": "Poseidon over the scalar field of BLS12-381: see privacy.py, which writes this file.",
        "parameters": {"width": T, "full_rounds": FULL, "partial_rounds": PARTIAL, "alpha": 5},
        "round_constants": {
            "first": [hexed(x) for x in ROUNDS[0]],
            "last": [hexed(x) for x in ROUNDS[-1]],
            "count": len(ROUNDS),
        },
        "mds": [[hexed(x) for x in row] for row in MDS],
        "permutation": [
            {"state": [hexed(x) for x in state], "result": [hexed(x) for x in permute(state)]} for state in states
        ],
        "domain": [
            {"tag": tag, "count": count, "scalar": hexed(domain(tag, count))}
            for tag, count in [("input", 2), ("input", 5), ("output", 4), ("stream", 4), ("input", 2**40)]
        ],
        "hash": [
            {"tag": tag, "scalars": [hexed(x) for x in scalars], "result": hexed(sponge(tag, scalars))}
            for tag, scalars in [
                ("input", [0]),
                ("input", [0, 0]),
                ("output", [0, 0]),
                ("output", [1, 2, 3, 4]),
                ("output", [1, 2, 3, 4, 0]),
                ("input", [number(f"hashed {i}") for i in range(9)]),
            ]
        ],
        "commitment": [
            commitment(dtype, noise(f"input {dtype} {length}", length), noise(f"salt {length}", 31), number("holder"))
            for dtype, length in inputs
        ]
        + [commitment(dtype, data, salt, P - 1) for (dtype, data), salt in zip(extremes, salts)],
        "sealed": [
            sealed(dtype, noise(f"output {dtype} {length}", length), noise(f"salt {length}", 31), number("binding"))
            for dtype, length in outputs
        ]
        + [sealed(dtype, data, salt, 0) for (dtype, data), salt in zip(extremes, salts)],
    }


if __name__ == "__main__":
    print(json.dumps(vectors(), indent=1))
