"""Fit the coefficients of `distilnp/kernels/elementary.py`, and print them as that file spells them.

With `--check`, compare them with the file instead. The fit repeats weighted least squares. The weights grow
where the previous fit was bad, so the fits tend to the one with the smallest maximum error (C. L. Lawson,
"Contributions to the theory of linear least maximum approximation", 1961). Nothing is random. NumPy's LAPACK
may change the last bits of a float64, but the printed values are rounded to float32: OpenBLAS's code for four
CPUs gave the same ones.
"""

import argparse
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from support.rounded_once import fma

Floats = NDArray[np.float64]
Table = dict[str, float]

# More than 300 points for each of the 11 coefficients of erf, and enough iterations to bring its maximum
# error within a thousandth of the limit.
POINTS = 4000
ITERATIONS = 300
# The first fits of a quotient are far off, and weights that follow them would have to be corrected later. For
# the same reason, the weights follow later fits only by the square root of the error.
SETTLING = 10

# A little more than ln(2) / 2, because n is rounded to an integer in float32.
EXP_BOUND = 1.0005 * math.log(2) / 2

# erf rounds to 1 from 3.9192 up. At the end of the fit, the fitted value must also be at least 1; otherwise
# the kernel's erf would never reach 1. A fit up to 3.92 satisfies this with an error of up to 5.8 units, and
# a fit up to 3.93 with an error of up to 5.3 units. A fit up to 3.925 does not satisfy it.
SATURATION = float(np.float32(3.93))


def chebyshev_points(low: float, high: float) -> Floats:
    """Return points that are denser at both ends, where a polynomial fits worst."""
    angles = (np.arange(POINTS) + 0.5) * np.pi / POINTS
    return (low + high) / 2 + (high - low) / 2 * np.cos(angles)


def lawson(
    columns: Floats, target: Floats, f: Floats, denominator: Callable[[Floats], Floats]
) -> NDArray[np.float32]:
    """Return the c with the smallest maximum of |columns @ c - target| / |f denominator(c)|."""
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
        raise ArithmeticError(
            f"the fitted erf is below 1 at {SATURATION}, expected 1 or more. Try another end"
        )
    return table


def quotient(x: NDArray[np.float32], table: Table) -> NDArray[np.float32]:
    """Return x P(x**2) / Q(x**2), rounded as the kernel rounds it."""
    u = x * x
    p, q = np.float32(table["P5"]), np.float32(table["Q5"])
    for k in range(4, -1, -1):
        p = fma(u, p, np.float32(table[f"P{k}"]))
        q = fma(u, q, np.float32(table[f"Q{k}"] if k else 1))
    return x * p / q


def in_source(table: Table) -> str:
    """Return a table as elementary.py spells it."""
    lines = [f"SATURATION = {table['SATURATION']}"] if "SATURATION" in table else []
    for letter in "EPQ":
        names = [name for name in table if name[0] == letter]
        if names:
            lines += [f"{', '.join(names)} = (", *(f"    {table[name]}," for name in names), ")"]
    return "\n".join(lines)


def differences() -> dict[str, tuple[float, float]]:
    """Return the fitted and the committed value of each coefficient for which they differ, by name."""
    from distilnp.kernels import elementary

    fitted = fit_exp() | fit_erf()
    return {
        name: (value, getattr(elementary, name))
        for name, value in fitted.items()
        if value != getattr(elementary, name)
    }


def main() -> None:
    """Print the tables, or the differences from the committed ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with elementary.py")
    if not parser.parse_args().check:
        print(in_source(fit_exp()))
        print(in_source(fit_erf()))
    elif wrong := differences():
        raise SystemExit("\n".join(f"{name}: fitted {a}, committed {b}" for name, (a, b) in wrong.items()))


if __name__ == "__main__":
    main()
