"""Draws the pictures of docs/shapes.md: `python docs/draw_shapes.py` from the repository's root, with the package and Pillow installed."""

from __future__ import annotations

import warnings
from pathlib import Path

import locality as lc
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
INKS = [(31, 119, 180), (214, 84, 39), (44, 140, 60), (148, 80, 160), (190, 150, 20), (20, 160, 170), (220, 100, 150), (110, 110, 110)]
GREY = (200, 200, 200)
# Drawn at twice the size and scaled down, which smooths lines.
TWICE = 2

Numbers = npt.NDArray[np.float64]
Color = tuple[int, int, int]


class Panel:
    """One square drawing with a title; places are given in the data's own units."""

    def __init__(self, title: str, bounds: tuple[float, float, float, float], side: int = 230) -> None:
        self.side = side
        self.picture = Image.new("RGB", (side * TWICE, (side + 20) * TWICE), "white")
        self.pen = ImageDraw.Draw(self.picture)
        self.pen.text((6 * TWICE, 3 * TWICE), title, fill=(40, 40, 40), font_size=12 * TWICE)
        left, right, low, high = bounds
        self.scale = (side - 16) * TWICE / max(right - left, high - low)
        self.middle = ((left + right) / 2, (low + high) / 2)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a place is drawn."""
        half = self.side * TWICE / 2
        return half + (x - self.middle[0]) * self.scale, half + 20 * TWICE - (y - self.middle[1]) * self.scale

    def dots(self, places: Numbers, colors: list[Color], radius: float = 1.6) -> None:
        """A disc at each place."""
        r = radius * TWICE
        for (x, y), color in zip(places, colors, strict=True):
            u, v = self.at(x, y)
            self.pen.ellipse((u - r, v - r, u + r, v + r), fill=color)

    def line(self, places: Numbers, color: Color, width: float = 1.0) -> None:
        """Straight pieces through the places."""
        points = [self.at(x, y) for x, y in places]
        self.pen.line(points, fill=color, width=max(1, round(width * TWICE)), joint="curve")

    def ring(self, place: Numbers, radius: float, color: Color) -> None:
        """A circle."""
        u, v = self.at(*place)
        r = radius * TWICE
        self.pen.ellipse((u - r, v - r, u + r, v + r), outline=color, width=TWICE)


def bounds(places: Numbers) -> tuple[float, float, float, float]:
    """Of all places."""
    (left, low), (right, high) = places.min(axis=0), places.max(axis=0)
    return left, right, low, high


def ink(labels: npt.NDArray[np.integer]) -> list[Color]:
    """A colour for each label; grey for none and for very many."""
    return [INKS[label % len(INKS)] if label >= 0 else GREY for label in labels.tolist()]


def rainbow(values: Numbers) -> list[Color]:
    """From blue over green to red."""
    share = (values - values.min()) / max(float(np.ptp(values)), 1e-300)
    stops = np.array([[48, 60, 160], [40, 150, 170], [90, 180, 90], [230, 180, 50], [200, 50, 50]], dtype=float)
    place = share * (len(stops) - 1)
    low = np.minimum(place.astype(int), len(stops) - 2)
    mixed = stops[low] + (place - low)[:, None] * (stops[low + 1] - stops[low])
    return [(int(r), int(g), int(b)) for r, g, b in mixed]


def save(name: str, panels: list[Panel], columns: int) -> None:
    """Panels in rows, as a small PNG."""
    width, height = panels[0].picture.size
    rows = -(-len(panels) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height), "white")
    for i, panel in enumerate(panels):
        sheet.paste(panel.picture, (i % columns * width, i // columns * height))
    small = sheet.resize((sheet.width // TWICE, sheet.height // TWICE), Image.Resampling.LANCZOS)
    small.quantize(96, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(IMAGES / name, optimize=True)


def clusters() -> None:
    """One sample of points under every member of the family."""
    rng = np.random.default_rng(4)
    moon = np.linspace(0.15, np.pi - 0.15, 130)
    x = np.vstack(
        [
            np.column_stack([3 * np.cos(moon), 3 * np.sin(moon) + 1]) + 0.22 * rng.normal(size=(130, 2)),
            np.array([0.0, 0.4]) + 0.45 * rng.normal(size=(130, 2)),
            np.array([3.6, -2.0]) + 0.8 * rng.normal(size=(130, 2)),
            np.array([-3.4, -2.2]) + 0.3 * rng.normal(size=(60, 2)),
        ]
    )
    area = bounds(x)
    panels = []

    def panel(title: str, labels: npt.NDArray[np.integer]) -> Panel:
        made = Panel(title, area)
        made.dots(x, ink(labels))
        panels.append(made)
        return made

    flat = lc.MeanShift(bandwidth=1.5).fit(x)
    made = panel(f"mean shift: {len(flat.cluster_centers_)}", flat.labels_)
    for center in flat.cluster_centers_:
        made.ring(center, 5, (0, 0, 0))
    soft = lc.MeanShift(bandwidth=0.55, kernel="gaussian").fit(x)
    made = panel(f"Gaussian, ways: {len(soft.cluster_centers_)}", soft.labels_)
    for start in x[::5]:
        way = [start]
        for _ in range(60):
            way.append(lc.local_mean(way[-1][None], x, x, kernel="gaussian(h=0.55)")[0])
        made.line(np.array(way), (40, 40, 40), 0.7)
    made = panel("blurring", lc.MeanShift(bandwidth=1.2, blurring=True).fit(x).labels_)
    quick = lc.QuickShift(bandwidth=0.6, max_dist=1.2, kernel="gaussian").fit(x)
    made = panel(f"quick shift, links: {quick.labels_.max() + 1}", quick.labels_)
    for i, (j, far) in enumerate(zip(quick.parents_, quick.distances_, strict=True)):
        if far <= 1.2:
            made.line(x[[i, j]], ink(quick.labels_[[i]])[0], 0.6)
    medoid = lc.MedoidShift(bandwidth=0.6, kernel="gaussian", min_persistence=0.4).fit(x)
    made = panel(f"medoid shift, merged: {medoid.labels_.max() + 1}", medoid.labels_)
    for center in medoid.cluster_centers_:
        made.ring(center, 5, (0, 0, 0))
    tomato = lc.Tomato(n_neighbors=12, bandwidth=0.35).fit(x)
    panel(f"ToMATo: {tomato.n_clusters_}", tomato.labels_)
    lives = tomato.diagram_.copy()
    lives[~np.isfinite(lives)] = tomato.log_density_.min()
    low, high = lives.min(), lives.max()
    made = Panel("its diagram: birth, death", (low, high, low, high))
    made.line(np.array([[low, low], [high, high]]), GREY)
    least = tomato.min_persistence_
    made.line(np.array([[low + least, low], [high, high - least]]), (0, 0, 0), 0.6)
    kept = lives[:, 0] - lives[:, 1] >= least
    made.dots(lives, [INKS[1] if k else INKS[7] for k in kept], 3.0)
    panels.append(made)
    wide = lc.MeanShift(bandwidth=0.55, kernel="gaussian", adaptive=0.5).fit(x)
    panel(f"bandwidths of their own: {len(wide.cluster_centers_)}", wide.labels_)
    save("mean-shift.png", panels, 4)


def directions() -> None:
    """Points on the sphere, and the bandwidth that draws agree on."""
    rng = np.random.default_rng(2)
    axes = np.array([[0.9, 0.1, 0.4], [-0.2, 0.9, 0.4], [-0.5, -0.6, 0.6]])
    x = axes[rng.integers(3, size=500)] + 0.16 * rng.normal(size=(500, 3))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    found = lc.MeanShift(metric="cosine", kernel="gaussian", bandwidth=0.3).fit(x)
    made = Panel(f"directions: {len(found.cluster_centers_)}", (-1, 1, -1, 1))
    made.ring(np.zeros(2), 107, GREY)
    front = unit[:, 2] > 0
    made.dots(unit[front][:, :2], ink(found.labels_[front]))
    for center in found.cluster_centers_:
        made.ring(center[:2], 5, (0, 0, 0))
    panels = [made]
    y = np.vstack([c + 0.9 * rng.normal(size=(120, 2)) for c in ([0, 0], [6, 0], [0, 6], [6, 6])])
    for title, bandwidth in (("a quantile's bandwidth", None), ("one that draws agree on", "auto")):
        model = lc.MeanShift(bandwidth=bandwidth).fit(y)
        made = Panel(f"{title}: {len(model.cluster_centers_)}", bounds(y))
        made.dots(y, ink(model.labels_))
        panels.append(made)
    t = np.sort(rng.uniform(0.5, 3.2, size=500)) * np.pi
    curve = np.column_stack([t * np.cos(t), t * np.sin(t)])
    noisy = curve + 0.45 * rng.normal(size=curve.shape)
    made = Panel("manifold blurring", bounds(noisy))
    made.dots(noisy, [GREY] * len(noisy), 1.3)
    blurred = lc.manifold_blurring(noisy, n_components=1, n_neighbors=25, kernel="gaussian(h=1)", max_iter=6)
    made.dots(blurred, rainbow(t), 1.3)
    panels.append(made)
    save("mean-shift-more.png", panels, 4)


def embeddings() -> None:
    """A swiss roll laid out by every method."""
    rng = np.random.default_rng(0)
    t = 1.5 * np.pi * (1 + 2 * rng.uniform(size=1500))
    roll = np.column_stack([t * np.cos(t), 21 * rng.uniform(size=1500), t * np.sin(t)])
    seen = np.column_stack([roll[:, 0] + 0.35 * roll[:, 1], roll[:, 2] + 0.25 * roll[:, 1]])
    made = Panel("a swiss roll", bounds(seen))
    made.dots(seen, rainbow(t), 1.2)
    panels = [made]
    methods = {method: lc.LocallyLinearEmbedding(n_neighbors=12, method=method) for method in ("standard", "modified", "hessian", "ltsa")}
    methods |= {"Laplacian eigenmaps": lc.LaplacianEigenmaps(n_neighbors=12), "diffusion map": lc.DiffusionMap(n_neighbors=24)}
    for name, model in methods.items():
        y = model.fit_transform(roll)
        y = y / np.abs(y).max(axis=0)
        made = Panel(f"{name}, trust {lc.trustworthiness(roll, y, n_neighbors=12):.3f}", (-1, 1, -1, 1))
        made.dots(y, rainbow(t), 1.2)
        panels.append(made)
    new = np.arange(len(roll)) % 3 == 0
    most = lc.LocallyLinearEmbedding(n_neighbors=9, method="ltsa").fit(roll[~new])
    made = Panel("new rows among others", (-1, 1, -1, 1))
    scale = np.abs(most.embedding_).max(axis=0)
    made.dots(most.embedding_ / scale, [GREY] * int((~new).sum()), 1.2)
    made.dots(most.transform(roll[new]) / scale, rainbow(t[new]), 1.2)
    panels.append(made)
    save("embeddings.png", panels, 4)


def components() -> None:
    """Tangents, projection, dimension and outliers."""
    rng = np.random.default_rng(3)
    t = np.linspace(0, 2 * np.pi, 320)
    ring = np.column_stack([(3 + np.cos(3 * t)) * np.cos(t), (3 + np.cos(3 * t)) * np.sin(t)])
    x = ring + 0.16 * rng.normal(size=ring.shape)
    model = lc.LocalPCA(1, n_neighbors=25).fit(x)
    area = bounds(x)
    made = Panel("local components", area)
    made.dots(x, [GREY] * len(x), 1.4)
    planes = model.tangent_spaces(x[::8])
    for mean, (way,) in zip(planes.means, planes.components, strict=True):
        made.line(np.array([mean - 0.45 * way, mean + 0.45 * way]), INKS[0], 1.4)
    panels = [made]
    made = Panel("projected", area)
    made.dots(x, [GREY] * len(x), 1.4)
    made.dots(model.transform(x), [INKS[2]] * len(x), 1.4)
    panels.append(made)
    off = np.vstack([x, rng.uniform(-4.5, 4.5, size=(25, 2))])
    made = Panel("distance off the tangents", bounds(off))
    error = -lc.LocalPCA(1, n_neighbors=25).fit(off).score_samples(off)
    made.dots(off, rainbow(np.minimum(error, 0.7)), 1.8)
    panels.append(made)
    factor = -lc.LocalOutlierFactor(n_neighbors=15).fit(off).negative_outlier_factor_
    made = Panel("local outlier factor", bounds(off))
    made.dots(off, rainbow(np.log(factor)), 1.8)
    panels.append(made)
    save("local-components.png", panels, 4)


def photo(name: str, area: tuple[int, int, int, int]) -> npt.NDArray[np.uint8]:
    """A part of a photo."""
    return np.ascontiguousarray(np.asarray(Image.open(ROOT / "data" / name).convert("RGB").crop(area)))


def strip(name: str, pictures: list[npt.NDArray[np.uint8]]) -> None:
    """Pictures side by side."""
    gap = np.full((pictures[0].shape[0], 6, 3), 255, np.uint8)
    row = [part for picture in pictures for part in (picture, gap)][:-1]
    Image.fromarray(np.concatenate(row, axis=1)).save(IMAGES / name, quality=88)


def pictures() -> None:
    """A photo filtered, cut, in superpixels, merged, and its edges."""
    image = photo("coffee.png", (180, 60, 440, 320))

    def lined(regions: lc.image.Segmentation, color: Color) -> npt.NDArray[np.uint8]:
        out = image.copy()
        out[regions.boundaries] = color
        return out

    parts = lc.image.superpixels(image, kernel_size=3, max_dist=8)
    merged = lc.image.region_tree(image, parts).cut(16)
    strip(
        "regions.jpg",
        [
            image,
            lc.image.mean_shift_filter(image, 10, 18),
            lined(lc.image.mean_shift_segment(image, 8, 9, 120, edges=True), (255, 255, 0)),
            lined(parts, (255, 255, 0)),
            merged.picture,
        ],
    )
    maps = lc.image.edge_maps(image)
    each = (maps.gradient, maps.confidence, maps.weight)
    grey = [np.repeat((255 * (m - m.min()) / np.ptp(m)).astype(np.uint8)[..., None], 3, axis=2) for m in each]
    strip("edges.jpg", [image, *grey])


def tracking() -> None:
    """A disc that moves and grows, followed."""
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[:150, :210]

    def frame(i: int) -> npt.NDArray[np.uint8]:
        out = np.full((150, 210, 3), (96, 110, 100), float) + 14 * np.sin(columns / 9.0)[..., None]
        out[(columns - 150) ** 2 + (rows - 40) ** 2 < 400] = (60, 90, 190)
        x, y, r = 40 + 8 * i, 100 - 30 * np.sin(i / 4.0), 11 + 0.9 * i
        out[(columns - x) ** 2 + ((rows - y) * 1.3) ** 2 < r * r] = (205, 60, 50)
        return (out + rng.normal(scale=9, size=out.shape)).clip(0, 255).astype(np.uint8)

    tracker = lc.image.Tracker().init(frame(0), (29, 91, 22, 18))
    shown = []
    for i in range(1, 16):
        picture = frame(i)
        found = tracker.update(picture)
        if i % 5 == 0:
            drawn = Image.fromarray(picture)
            pen = ImageDraw.Draw(drawn)
            x, y, width, height = found.box
            pen.rectangle((x, y, x + width, y + height), outline=(255, 255, 0), width=2)
            (u, v), sides, angle = found.rotated
            turn = np.deg2rad(angle)
            way = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
            corners = [(u, v) + 0.5 * a * sides[0] * way[0] + 0.5 * b * sides[1] * way[1] for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))]
            pen.polygon([tuple(c) for c in corners], outline=(255, 255, 255))
            shown.append(np.asarray(drawn))
            if i == 10:
                seen = tracker.back_projection(picture)
                shown.append(np.repeat((255 * seen).astype(np.uint8)[..., None], 3, axis=2))
    strip("tracking.jpg", shown)


if __name__ == "__main__":
    warnings.simplefilter("error")
    for draw in (clusters, directions, embeddings, components, pictures, tracking):
        draw()
