"""The coefficients of `distilnp/kernels/elementary.py`: fit them, and print them as they stand there.

With `--check`, say instead whether they are those that stand there. Least squares, whose weights grow where
the last fit was bad, tend to the fit with the smallest largest error (C. L. Lawson, "Contributions to the
theory of linear least maximum approximation", 1961). Nothing is random. NumPy's LAPACK may change the last
bits of a float64, but what is printed is rounded to float32: OpenBLAS's code for four CPUs gave the same.
"""

import argparse
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from support.rounded_once import fma

Floats = NDArray[np.float64]
Table = dict[str, float]

# A thousand times as many as there are coefficients, and as often as it takes until the largest error of erf
# is within a thousandth of its limit.
POINTS = 4000
ITERATIONS = 300
# The first fits of a quotient are far off: weights that followed them would have to be unlearnt. For the same
# reason they follow later ones by the root of the error only.
SETTLING = 10

# A little beyond ln(2) / 2: rounding n to an integer is done in float32.
EXP_BOUND = 1.0005 * math.log(2) / 2

# erf rounds to 1 from 3.9192 on. Where the fit ends, its own value must be 1 or more too, or erf would never
# get there: that is so at 3.92 with an error of up to 5.8 units, and at 3.93 with 5.3; at 3.925 it is not.
SATURATION = float(np.float32(3.93))


def chebyshev_points(low: float, high: float) -> Floats:
    """Return points that crowd at both ends, where a polynomial is hardest to hold."""
    angles = (np.arange(POINTS) + 0.5) * np.pi / POINTS
    return (low + high) / 2 + (high - low) / 2 * np.cos(angles)


def lawson(
    columns: Floats, target: Floats, f: Floats, denominator: Callable[[Floats], Floats]
) -> NDArray[np.float32]:
    """Return the c for which |columns @ c - target| / |f denominator(c)| is smallest where it is largest."""
    weights = np.ones_like(f)
    q = np.ones_like(f)
    best_error, best = math.inf, np.empty(0)
    for i in range(ITERATIONS):
        factors = np.sqrt(weights) / (q * f)
        rows = columns * factors[:, None]
        scale = np.abs(rows).max(axis=0)
        c = np.linalg.lstsq(rows / scale, target * factors, rcond=None)[0] / scale
        q = denominator(c)
        errors = np.abs(columns @ c - target) / (q * f)
        if errors.max() < best_error:
            best_error, best = errors.max(), c
        if i > SETTLING:
            weights *= np.sqrt(errors)
            weights /= weights.mean()
    return best.astype(np.float32)


def fit_exp() -> Table:
    """Fit e**r = 1 + r + r**2 (E2 + r (E3 + ...))."""
    r = chebyshev_points(-EXP_BOUND, EXP_BOUND)
    f = np.exp(r)
    c = lawson(np.stack([r**k for k in range(2, 7)], axis=1), f - (1 + r), f, lambda c: np.ones_like(r))
    return {f"E{k}": value for k, value in enumerate(c.tolist(), start=2)}


def fit_erf() -> Table:
    """Fit erf(x) = x P(x**2) / Q(x**2), with Q0 = 1."""
    x = chebyshev_points(0.0, SATURATION)
    f = np.array([math.erf(value) for value in x.tolist()])
    powers = np.stack([(x * x) ** k for k in range(6)], axis=1)
    c = lawson(
        np.concatenate([x[:, None] * powers, -f[:, None] * powers[:, 1:]], axis=1),
        f,
        f,
        lambda c: 1 + powers[:, 1:] @ c[6:],
    ).tolist()
    table = {"SATURATION": SATURATION}
    table |= {f"P{k}": value for k, value in enumerate(c[:6])}
    table |= {f"Q{k}": value for k, value in enumerate(c[6:], start=1)}
    if quotient(np.float32(SATURATION), table) < 1:
        raise ArithmeticError(f"erf stays below 1 at {SATURATION}; try another end")
    return table


def quotient(x: NDArray[np.float32], table: Table) -> NDArray[np.float32]:
    """Return x P(x**2) / Q(x**2), rounded as the kernel does."""
    u = x * x
    p, q = np.float32(table["P5"]), np.float32(table["Q5"])
    for k in range(4, -1, -1):
        p = fma(u, p, np.float32(table[f"P{k}"]))
        q = fma(u, q, np.float32(table[f"Q{k}"] if k else 1))
    return x * p / q


def in_source(table: Table) -> str:
    """Return a table as it stands in elementary.py."""
    lines = [f"SATURATION = {table['SATURATION']}"] if "SATURATION" in table else []
    for letter in "EPQ":
        names = [name for name in table if name[0] == letter]
        if names:
            lines += [f"{', '.join(names)} = (", *(f"    {table[name]}," for name in names), ")"]
    return "\n".join(lines)


def differences() -> dict[str, tuple[float, float]]:
    """Return what is fitted and what stands in elementary.py, by name, where they are not the same."""
    from distilnp.kernels import elementary

    fitted = fit_exp() | fit_erf()
    return {
        name: (value, getattr(elementary, name))
        for name, value in fitted.items()
        if value != getattr(elementary, name)
    }


def main() -> None:
    """Print the tables, or what is wrong with the committed ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with elementary.py")
    if not parser.parse_args().check:
        print(in_source(fit_exp()))
        print(in_source(fit_erf()))
    elif wrong := differences():
        raise SystemExit("\n".join(f"{name}: fitted {a}, committed {b}" for name, (a, b) in wrong.items()))


if __name__ == "__main__":
    main()
