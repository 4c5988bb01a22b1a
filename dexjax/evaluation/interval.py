"""Confidence intervals of shares."""


def wilson(successes: int, episodes: int) -> list[float]:
    """The 95 % Wilson interval of a share."""
    from scipy.stats import binomtest  # A third of a second to import.

    interval = binomtest(successes, episodes).proportion_ci(0.95, method="wilson")
    return [float(interval.low), float(interval.high)]
