"""Figures of scikit-fuzzy for tests/fuzzy/main.rs: python fuzzy.py > fuzzy.txt

Run with scikit-fuzzy 0.5.0 and numpy 2.4.6. One line for each case: name, inputs, output.
"""

import numpy as np
import skfuzzy as fuzz
from skfuzzy import control as ctrl


def tipping(method):
    """The tipping problem of the scikit-fuzzy gallery: quality, service -> tip."""
    quality = ctrl.Antecedent(np.linspace(0, 10, 1001), "quality")
    service = ctrl.Antecedent(np.linspace(0, 10, 1001), "service")
    tip = ctrl.Consequent(np.linspace(0, 25, 2501), "tip", defuzzify_method=method)
    for x in (quality, service):
        x["poor"] = fuzz.trimf(x.universe, [0, 0, 5])
        x["average"] = fuzz.trimf(x.universe, [0, 5, 10])
        x["good"] = fuzz.trimf(x.universe, [5, 10, 10])
    tip["low"] = fuzz.trimf(tip.universe, [0, 0, 13])
    tip["medium"] = fuzz.trimf(tip.universe, [0, 13, 25])
    tip["high"] = fuzz.trimf(tip.universe, [13, 25, 25])
    rules = [
        ctrl.Rule(quality["poor"] | service["poor"], tip["low"]),
        ctrl.Rule(service["average"], tip["medium"]),
        ctrl.Rule(service["good"] | quality["good"], tip["high"]),
    ]
    return ctrl.ControlSystemSimulation(ctrl.ControlSystem(rules))


def fan():
    """Fan speed from temperature and humidity, with negation and smooth terms."""
    heat = ctrl.Antecedent(np.linspace(0, 40, 4001), "heat")
    damp = ctrl.Antecedent(np.linspace(0, 100, 4001), "damp")
    speed = ctrl.Consequent(np.linspace(0, 100, 4001), "speed")
    heat["cold"] = fuzz.zmf(heat.universe, 10, 22)
    heat["warm"] = fuzz.gaussmf(heat.universe, 22, 4)
    heat["hot"] = fuzz.smf(heat.universe, 22, 34)
    damp["dry"] = fuzz.sigmf(damp.universe, 40, -0.2)
    damp["wet"] = fuzz.gbellmf(damp.universe, 30, 3, 100)
    speed["slow"] = fuzz.trapmf(speed.universe, [0, 0, 15, 40])
    speed["medium"] = fuzz.trimf(speed.universe, [20, 50, 80])
    speed["fast"] = fuzz.trapmf(speed.universe, [60, 85, 100, 100])
    rules = [
        ctrl.Rule(heat["cold"], speed["slow"]),
        ctrl.Rule(heat["warm"] & ~damp["wet"], speed["medium"]),
        ctrl.Rule(heat["hot"] | (heat["warm"] & damp["wet"]), speed["fast"]),
        ctrl.Rule(damp["dry"] & ~heat["hot"], speed["slow"]),
    ]
    return ctrl.ControlSystemSimulation(ctrl.ControlSystem(rules))


def show(name, simulation, names, points):
    for point in points:
        for x, value in zip(names, point):
            simulation.input[x] = value
        simulation.compute()
        (out,) = simulation.output.values()
        print(name, *point, repr(float(out)))


rng = np.random.default_rng(0)
tips = [(6.5, 9.8), (0.0, 0.0), (10.0, 10.0), (5.0, 5.0), (2.3, 7.7)]
tips += [tuple(float(x) for x in p) for p in rng.uniform(0, 10, (15, 2)).round(2)]
for method in ("centroid", "bisector", "mom", "som", "lom"):
    show(f"tip-{method}", tipping(method), ("quality", "service"), tips)
fans = [tuple(float(x) for x in p) for p in (rng.uniform(0, 1, (20, 2)) * [40, 100]).round(2)]
show("fan", fan(), ("heat", "damp"), fans)

x = np.linspace(0, 10, 21)
kinds = {
    "triangle(2, 5, 9)": fuzz.trimf(x, [2, 5, 9]),
    "trapezoid(1, 3, 5, 9)": fuzz.trapmf(x, [1, 3, 5, 9]),
    "gaussian(5, 1.5)": fuzz.gaussmf(x, 5, 1.5),
    "two_sided_gaussian(1, 3, 2, 5)": fuzz.gauss2mf(x, 3, 1, 5, 2),
    "bell(2, 4, 6)": fuzz.gbellmf(x, 2, 4, 6),
    "sigmoid(2, 4)": fuzz.sigmf(x, 4, 2),
    "sigmoid_difference(5, 2, 5, 7)": np.abs(fuzz.dsigmf(x, 2, 5, 7, 5)),
    "sigmoid_product(2, 3, -5, 8)": fuzz.psigmf(x, 3, 2, 8, -5),
    "s(1, 8)": fuzz.smf(x, 1, 8),
    "z(3, 7)": fuzz.zmf(x, 3, 7),
    "pi(1, 4, 5, 10)": fuzz.pimf(x, 1, 4, 5, 10),
}
for kind, degrees in kinds.items():
    for at, degree in zip(x, degrees):
        print("membership", kind.replace(" ", ""), float(at), repr(float(degree)))
