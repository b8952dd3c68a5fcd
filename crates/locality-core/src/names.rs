//! Names a user may have meant.

/// The sentence for an unknown name: "unknown {what} '{name}'; did you mean '{nearest}'? known: ..."
#[must_use]
pub fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let lower = name.to_lowercase();
    let nearest = known
        .clone()
        .map(|k| (distance(&lower, &k.to_lowercase()), k))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, k)| *distance <= (k.len().min(name.len()) / 2).max(1))
        .map(|(_, k)| k);
    let list = known.collect::<Vec<_>>().join(", ");
    match nearest {
        Some(k) => format!("unknown {what} '{name}'; did you mean '{k}'? Known: {list}"),
        None => format!("unknown {what} '{name}'; known: {list}"),
    }
}

/// Levenshtein distance; letters in another order are one slip.
fn distance(a: &str, b: &str) -> usize {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    let edits = edit_distance(a, b);
    if sorted(a) == sorted(b) {
        edits.min(1)
    } else {
        edits
    }
}

/// Levenshtein distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered() {
        let known = ["gaussian", "laplace", "tricube"];
        assert!(
            unknown("kernel", "gausian", known.into_iter()).contains("did you mean 'gaussian'?")
        );
        assert!(!unknown("kernel", "xyzzyplugh", known.into_iter()).contains("did you mean"));
        assert!(
            unknown("shape", "TRIANG", ["TRIAN", "GAUSS"].into_iter()).contains("mean 'TRIAN'?")
        );
        assert!(unknown("method", "nml", ["auto", "nlm"].into_iter()).contains("mean 'nlm'?"));
        assert!(!unknown("metric", "foo", ["dot"].into_iter()).contains("did you mean"));
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }
}
