"""`svr`: support vector regression with a radial kernel."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.entries.rowwise import Regressor, RowwiseEntry

MOST_ROWS = 3000
"""Training rows at most: the kernel's cost grows with their square. Evenly spaced ones are used."""

EPSILON = 0.05


class SVR(RowwiseEntry):
    """Support vector regression on smoothed features, penalty chosen inside the fold."""

    name = "svr"
    summary = "support vector regression (radial kernel) on causally smoothed band power"
    settings = (1.0, 0.1, 10.0)

    def make(self, setting: float) -> Regressor:
        """Make a regressor with this penalty."""
        from sklearn.svm import SVR as SupportVectorRegression

        return SupportVectorRegression(C=setting, epsilon=EPSILON, cache_size=500)

    def thinned(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Keep evenly spaced rows."""
        if len(places) <= MOST_ROWS:
            return places
        return places[np.linspace(0, len(places) - 1, MOST_ROWS).astype(np.intp)]
