"""Local linear embedding and Laplacian eigenmaps of a swiss roll against scikit-learn's."""

from __future__ import annotations

from common import Report, Row, race


def run(report: Report) -> None:
    """Every method of local linear embedding at 2,000 rows, the standard one and Laplacian eigenmaps at 10,000, too."""
    import locality as lc
    from sklearn import manifold
    from sklearn.datasets import make_swiss_roll

    small, large = (200, 400) if report.quick else (2000, 10_000)
    methods = ("standard", "modified", "ltsa", "hessian")
    for n, method in [*((small, method) for method in methods), (large, "standard")]:
        x = make_swiss_roll(n, random_state=0)[0]
        ours = lc.LocallyLinearEmbedding(n_neighbors=12, method=method, n_jobs=report.threads)
        theirs = manifold.LocallyLinearEmbedding(
            n_neighbors=12, method=method, n_jobs=report.threads, eigen_solver="arpack", random_state=0
        )
        seconds, other, _, _ = race(lambda ours=ours, x=x: ours.fit(x), lambda theirs=theirs, x=x: theirs.fit(x), report.rounds(5))
        trust = (lc.trustworthiness(x, model.embedding_) for model in (ours, theirs))
        notes = {"trustworthiness of both": ", ".join(f"{t:.4f}" for t in trust)}
        report.add(Row("embed", f"swiss roll, {n} rows, 12 neighbours, {method}", seconds, "scikit-learn", other, notes))
    for n in (small, large):
        x = make_swiss_roll(n, random_state=0)[0]
        ours = lc.LaplacianEigenmaps(n_neighbors=12, n_jobs=report.threads)
        theirs = manifold.SpectralEmbedding(n_neighbors=12, n_jobs=report.threads, eigen_solver="arpack", random_state=0)
        seconds, other, _, _ = race(lambda ours=ours, x=x: ours.fit(x), lambda theirs=theirs, x=x: theirs.fit(x), report.rounds(5))
        trust = (lc.trustworthiness(x, model.embedding_) for model in (ours, theirs))
        notes = {"trustworthiness of both": ", ".join(f"{t:.4f}" for t in trust)}
        report.add(Row("embed", f"swiss roll, {n} rows, 12 neighbours, Laplacian eigenmaps", seconds, "scikit-learn", other, notes))
