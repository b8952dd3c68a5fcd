"""Fuzzy systems of a hundred rules on whole tables against scikit-fuzzy and simpful, and rules learned from three tables."""

from __future__ import annotations

import numpy as np
from common import Report, Row, seconds

TERMS = 10


def run(report: Report) -> None:
    """Mamdani and Sugeno systems of two inputs of ten terms; then accuracy beside a decision tree and the nearest neighbours."""
    rows = 500 if report.quick else 10_000
    x = np.random.default_rng(0).uniform(0, 10, size=(rows, 2))
    mamdani(report, x)
    sugeno(report, x)
    many(report)
    accuracy(report)


def corners(terms: int, high: float) -> list[list[float]]:
    """Triangles side by side from 0 to `high`."""
    step = high / (terms - 1)
    return [[(i - 1) * step, i * step, (i + 1) * step] for i in range(terms)]


def system(inference: str, inputs: int = 2, terms: int = TERMS, rules: list[str] | None = None) -> str:
    """A system of our own format, whose output is the sum of the numbers of its terms."""
    listed = ", ".join(f't{i} = "triangle({a}, {b}, {c})"' for i, (a, b, c) in enumerate(corners(terms, 10)))
    names = [f"x{j}" for j in range(inputs)]
    text = 'and = "min"\nresolution = 301\n'
    text += "".join(f'[[input]]\nname = "{n}"\nrange = [0, 10]\nterms = {{ {listed} }}\n' for n in names)
    sums = range(inputs * (terms - 1) + 1)
    if inference == "sugeno":
        out = ", ".join(f"c{i} = {i}" for i in sums)
    else:
        out = ", ".join(f'c{i} = "triangle({a}, {b}, {c})"' for i, (a, b, c) in enumerate(corners(len(sums), 30)))
    text += f'[[output]]\nname = "y"\nrange = [0, 30]\ninference = "{inference}"\nterms = {{ {out} }}\n'
    if rules is None:
        rules = [f"IF x0 IS t{i} AND x1 IS t{j} THEN y IS c{i + j}" for i in range(terms) for j in range(terms)]
    return text + "[rules]\ntext = '''\n" + "\n".join(rules) + "\n'''\n"


def beside(report: Report, case: str, x: np.ndarray, ours, peer: str, theirs, few: int) -> None:
    """Ours on all rows; the peer, row by row, on some of them, and the rest extrapolated."""
    took = [seconds(lambda: ours(x)) for _ in range(report.rounds(5) + 1)][1:]
    some, found = seconds(lambda: np.array([theirs(row) for row in x[:few]]))
    notes = {
        "largest difference (range of the output 30)": f"{np.abs(took[0][1][:few] - found).max():.2g}",
        peer: f"EXTRAPOLATED: {few} rows took {some:.3g} s, taken {len(x) / few:.0f} times",
    }
    report.add(Row("fuzzy", case, [t for t, _ in took], f"{peer} (extrapolated)", [some * len(x) / few], notes))


def mamdani(report: Report, x: np.ndarray) -> None:
    """Minimum, clipping, maximum, centroid."""
    import locality as lc

    try:
        import skfuzzy as fuzz
        from skfuzzy import control as ctrl
    except ImportError:
        print("fuzzy: scikit-fuzzy is not installed")
        return
    names = [ctrl.Antecedent(np.linspace(0, 10, 101), n) for n in ("x0", "x1")]
    y = ctrl.Consequent(np.linspace(0, 30, 301), "y")
    for variable in names:
        for i, triangle in enumerate(corners(TERMS, 10)):
            variable[f"t{i}"] = fuzz.trimf(variable.universe, triangle)
    for i, triangle in enumerate(corners(2 * TERMS - 1, 30)):
        y[f"c{i}"] = fuzz.trimf(y.universe, triangle)
    a, b = names
    rules = [ctrl.Rule(a[f"t{i}"] & b[f"t{j}"], y[f"c{i + j}"]) for i in range(TERMS) for j in range(TERMS)]
    simulation = ctrl.ControlSystemSimulation(ctrl.ControlSystem(rules))

    def theirs(row: np.ndarray) -> float:
        simulation.input["x0"], simulation.input["x1"] = row
        simulation.compute()
        return float(simulation.output["y"])

    ours = lc.FuzzySystem(system("mamdani"))
    case = f"{len(x)} rows x {TERMS**2} rules, Mamdani, centroid"
    beside(report, case, x, ours.evaluate, "scikit-fuzzy", theirs, 10 if report.quick else 40)


def sugeno(report: Report, x: np.ndarray) -> None:
    """Takagi-Sugeno-Kang of order 0."""
    import locality as lc

    try:
        import simpful
    except ImportError:
        print("fuzzy: simpful is not installed")
        return
    theirs = simpful.FuzzySystem(show_banner=False)
    for n in ("x0", "x1"):
        sets = [simpful.TriangleFuzzySet(*t, term=f"t{i}") for i, t in enumerate(corners(TERMS, 10))]
        theirs.add_linguistic_variable(n, simpful.LinguisticVariable(sets, universe_of_discourse=[0, 10]))
    for i in range(2 * TERMS - 1):
        theirs.set_crisp_output_value(f"c{i}", float(i))
    theirs.add_rules(
        [f"IF (x0 IS t{i}) AND (x1 IS t{j}) THEN (y IS c{i + j})" for i in range(TERMS) for j in range(TERMS)]
    )

    def one(row: np.ndarray) -> float:
        theirs.set_variable("x0", row[0])
        theirs.set_variable("x1", row[1])
        return float(theirs.Sugeno_inference(["y"])["y"])

    ours = lc.FuzzySystem(system("sugeno"))
    case = f"{len(x)} rows x {TERMS**2} rules, Sugeno, order 0"
    beside(report, case, x, ours.evaluate, "simpful", one, 20 if report.quick else 200)


def many(report: Report) -> None:
    """540 rules on 1,000 rows, of which users of scikit-fuzzy report minutes."""
    import locality as lc

    rng = np.random.default_rng(1)
    rules = []
    for number in sorted(rng.permutation(5**4)[:540]):
        t = np.unravel_index(number, (5,) * 4)
        rules.append("IF " + " AND ".join(f"x{j} IS t{k}" for j, k in enumerate(t)) + f" THEN y IS c{sum(t)}")
    ours = lc.FuzzySystem(system("mamdani", 4, 5, rules))
    x = rng.uniform(0, 10, size=(1000, 4))
    took = [seconds(lambda: ours.evaluate(x))[0] for _ in range(report.rounds(5) + 1)][1:]
    report.add(Row("fuzzy", f"1000 rows x {len(rules)} rules of four inputs, Mamdani, centroid", took))


def accuracy(report: Report) -> None:
    """Five folds of three tables."""
    import locality as lc
    from sklearn.datasets import load_diabetes, load_iris, load_wine
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    for name, load, ours, near, tree, folds in (
        ("diabetes, R2", load_diabetes, lc.FuzzyRegressor(), KNeighborsRegressor(), DecisionTreeRegressor(random_state=0), KFold),
        ("iris, accuracy", load_iris, lc.FuzzyClassifier(), KNeighborsClassifier(), DecisionTreeClassifier(random_state=0), StratifiedKFold),
        ("wine, accuracy", load_wine, lc.FuzzyClassifier(), KNeighborsClassifier(), DecisionTreeClassifier(random_state=0), StratifiedKFold),
    ):
        x, y = load(return_X_y=True)
        split = folds(5, shuffle=True, random_state=0)
        took, mine = seconds(lambda ours=ours, x=x, y=y, split=split: cross_val_score(ours, x, y, cv=split).mean())
        notes = {
            "rules": round(float(mine), 4),
            "5 nearest, standardized": round(float(cross_val_score(make_pipeline(StandardScaler(), near), x, y, cv=split).mean()), 4),
            "decision tree": round(float(cross_val_score(tree, x, y, cv=split).mean()), 4),
        }
        report.add(Row("fuzzy", f"learned rules, five folds of {name}", [took], notes=notes))
