"""Figures of simpful for tests/fuzzy/main.rs: python fuzzy_simpful.py > fuzzy_simpful.txt

Run with simpful 2.12.0 and numpy 2.4.6. One line for each case: name, inputs, output.
"""

import numpy as np
import simpful as sf

STEPS = 4000


def tipping():
    """The tipping problem: quality, service -> tip."""
    system = sf.FuzzySystem(show_banner=False)
    corners = {"poor": (0, 0, 5), "average": (0, 5, 10), "good": (5, 10, 10)}
    for name in ("quality", "service"):
        sets = [sf.TriangleFuzzySet(*c, term=term) for term, c in corners.items()]
        system.add_linguistic_variable(name, sf.LinguisticVariable(sets, universe_of_discourse=[0, 10]))
    tips = {"low": (0, 0, 13), "medium": (0, 13, 25), "high": (13, 25, 25)}
    sets = [sf.TriangleFuzzySet(*c, term=term) for term, c in tips.items()]
    system.add_linguistic_variable("tip", sf.LinguisticVariable(sets, universe_of_discourse=[0, 25]))
    system.add_rules(
        [
            "IF (quality IS poor) OR (service IS poor) THEN (tip IS low)",
            "IF (service IS average) THEN (tip IS medium)",
            "IF (service IS good) OR (quality IS good) THEN (tip IS high)",
        ]
    )
    return system


def rise(low, high):
    """The S-shaped term of two parabolas."""

    def degree(x):
        u = min(max((x - low) / (high - low), 0.0), 1.0)
        return 2 * u * u if u < 0.5 else 1 - 2 * (1 - u) ** 2

    return degree


def fan():
    """Fan speed from temperature and humidity, with negation and smooth terms."""
    system = sf.FuzzySystem(show_banner=False)
    cold = rise(10, 22)
    heat = [
        sf.FuzzySet(function=lambda x: 1 - cold(x), term="cold"),
        sf.GaussianFuzzySet(22, 4, term="warm"),
        sf.FuzzySet(function=rise(22, 34), term="hot"),
    ]
    damp = [
        sf.FuzzySet(function=lambda x: 1 / (1 + np.exp(0.2 * (x - 40))), term="dry"),
        sf.FuzzySet(function=lambda x: 1 / (1 + abs((x - 100) / 30) ** 6), term="wet"),
    ]
    speed = [
        sf.TrapezoidFuzzySet(0, 0, 15, 40, term="slow"),
        sf.TriangleFuzzySet(20, 50, 80, term="medium"),
        sf.TrapezoidFuzzySet(60, 85, 100, 100, term="fast"),
    ]
    system.add_linguistic_variable("heat", sf.LinguisticVariable(heat, universe_of_discourse=[0, 40]))
    system.add_linguistic_variable("damp", sf.LinguisticVariable(damp, universe_of_discourse=[0, 100]))
    system.add_linguistic_variable("speed", sf.LinguisticVariable(speed, universe_of_discourse=[0, 100]))
    system.add_rules(
        [
            "IF (heat IS cold) THEN (speed IS slow)",
            "IF (heat IS warm) AND (NOT (damp IS wet)) THEN (speed IS medium)",
            "IF (heat IS hot) OR ((heat IS warm) AND (damp IS wet)) THEN (speed IS fast)",
            "IF (damp IS dry) AND (NOT (heat IS hot)) THEN (speed IS slow)",
        ]
    )
    return system


def show(name, system, inputs, output, points):
    for point in points:
        for x, value in zip(inputs, point):
            system.set_variable(x, value)
        found = system.Mamdani_inference([output], subdivisions=STEPS)[output]
        print(name, *point, repr(float(found)))


rng = np.random.default_rng(0)
tips = [(6.5, 9.8), (5.0, 5.0), (2.3, 7.7)] + [tuple(float(x) for x in p) for p in rng.uniform(0, 10, (17, 2)).round(2)]
show("tip", tipping(), ("quality", "service"), "tip", tips)
fans = [tuple(float(x) for x in p) for p in (rng.uniform(0, 1, (20, 2)) * [40, 100]).round(2)]
show("fan", fan(), ("heat", "damp"), "speed", fans)
