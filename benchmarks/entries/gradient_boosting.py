"""`gradient-boosting`: boosted regression trees."""

from benchmarks.entries.rowwise import Regressor, RowwiseEntry

ITERATIONS = 150


class GradientBoosting(RowwiseEntry):
    """Histogram gradient boosting on smoothed features, size of trees chosen inside the fold."""

    name = "gradient-boosting"
    summary = "boosted regression trees on causally smoothed band power"
    stochastic = True
    settings = (8, 4, 16)

    def make(self, setting: int) -> Regressor:
        """Make a regressor with trees of this many leaves."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        return HistGradientBoostingRegressor(
            max_iter=ITERATIONS,
            learning_rate=0.06,
            max_leaf_nodes=setting,
            min_samples_leaf=40,
            max_features=0.3,
            early_stopping=False,
            random_state=self.seed,
        )
