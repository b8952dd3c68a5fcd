//! Errors of a search for neighbours in the words of those who asked for something else.

use crate::{Error, ErrorKind, Result};

/// Results whose errors speak of keys and queries.
pub(crate) trait Named {
    /// With errors that speak of one table of this name instead, which is both.
    fn named(self, name: &str) -> Self;
}

impl<T> Named for Result<T> {
    fn named(self, name: &str) -> Self {
        self.map_err(|error| {
            let text = error.to_string();
            if !text.contains("scale keys and queries") {
                return error;
            }
            let text = text.replace("scale keys and queries", &format!("scale {name}"));
            let text = text.replace("keys has", &format!("{name} has"));
            let text = text.replace("query ", "row ");
            if error.kind() == ErrorKind::NotFinite {
                Error::not_finite(text)
            } else {
                Error::parameter(text)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metric, Nearest, Rows, Watch};

    #[test]
    fn a_table_is_named() {
        for scale in [1e-200, 1e200] {
            let x: Vec<f64> = (0..5).map(|i| scale * f64::from(i)).collect();
            let rows = Rows::column(&x);
            let found = Nearest::fit(rows, &Metric::Euclidean)
                .and_then(|search| search.k_nearest(rows, 2, &Watch::default()));
            let said = found.named("X").unwrap_err().to_string();
            assert!(said.contains("scale X"), "{said}");
            assert!(!said.contains("keys") && !said.contains("quer"), "{said}");
        }
    }
}
