//! The eigenvectors of a graph in several pieces, taken as one.

use super::graph::Leading;

/// How the pieces of a graph that is not connected are laid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pieces {
    /// Apart: by the eigenvectors of the whole graph. The first coordinates, one less than there are pieces, are constant on each, and
    /// tell them from one another, the heaviest first; the further ones unfold single pieces, in the order of their eigenvalues. So it is in
    /// scikit-learn, and so clusters are found in the coordinates.
    #[default]
    Apart,
    /// Each by itself, in all coordinates, around 0.
    Centred,
}

impl std::str::FromStr for Pieces {
    type Err = crate::Error;

    fn from_str(text: &str) -> crate::Result<Self> {
        match text {
            "apart" => Ok(Self::Apart),
            "centred" => Ok(Self::Centred),
            _ => Err(crate::Error::parse(format!(
                "pieces='{text}' is neither apart nor centred"
            ))),
        }
    }
}

/// Right eigenvectors of the walk on the whole graph.
pub(super) struct Joint {
    /// Of mean 0 and variance 1 under the degrees' shares, `[n, c]`.
    pub(super) vectors: Vec<f64>,
    /// 1 less the eigenvalues, `[c]`, rising.
    pub(super) gaps: Vec<f64>,
}

/// From the eigenvectors of each piece by itself, in `count` columns.
pub(super) fn joint(found: &Leading, degrees: &[f64], labels: &[usize], count: usize) -> Joint {
    let n = labels.len();
    let pieces = found.gaps.len() / count;
    let total: f64 = degrees.iter().sum();
    let (mut mass, mut sizes) = (vec![0.0; pieces], vec![0_usize; pieces]);
    for (&l, d) in labels.iter().zip(degrees) {
        mass[l] += if total > 0.0 { d / total } else { 0.0 };
        sizes[l] += 1;
    }
    for (m, &size) in mass.iter_mut().zip(&sizes) {
        // A sample that nothing weighs for is a piece all the same.
        if *m <= 0.0 {
            *m = size as f64 / n as f64;
        }
    }
    let mut order: Vec<usize> = (0..pieces).collect();
    order.sort_by(|&a, &b| mass[b].total_cmp(&mass[a]).then(a.cmp(&b)));
    let mut out = Joint {
        vectors: vec![0.0; n * count],
        gaps: vec![1.0; count],
    };
    // Contrasts of each piece with all heavier ones.
    let constant = count.min(pieces - 1);
    let mut before = mass[order[0]];
    for j in 0..constant {
        let own = mass[order[j + 1]];
        let (low, high) = (
            -(own / (before * (before + own))).sqrt(),
            (before / (own * (before + own))).sqrt(),
        );
        let mut value = vec![0.0; pieces];
        order[..=j].iter().for_each(|&l| value[l] = low);
        value[order[j + 1]] = high;
        for (row, &l) in out.vectors.chunks_exact_mut(count).zip(labels) {
            row[j] = value[l];
        }
        out.gaps[j] = 0.0;
        before += own;
    }
    let mut rest: Vec<(f64, usize, usize)> = (0..pieces)
        .flat_map(|l| (0..count.min(sizes[l] - 1)).map(move |j| (l, j)))
        .map(|(l, j)| (found.gaps[l * count + j], l, j))
        .collect();
    rest.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    for (to, (gap, l, j)) in (constant..count).zip(rest) {
        out.gaps[to] = gap;
        for (i, row) in out.vectors.chunks_exact_mut(count).enumerate() {
            if labels[i] == l && degrees[i] > 0.0 {
                row[to] = found.vectors[i * count + j] * (total / degrees[i]).sqrt();
            }
        }
    }
    out
}
