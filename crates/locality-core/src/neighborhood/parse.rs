//! Neighbourhoods from text: `nearest(k=10) & hollow`.

use std::str::FromStr;

use super::{NEIGHBORHOODS, Neighborhood, Region};
use crate::kernel::{columns_of, metric_of};
use crate::text::{Call, Cursor, Value};
use crate::{Columns, Error, Result};

impl FromStr for Neighborhood {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut cursor = Cursor::new(text);
        let mut regions = Vec::new();
        loop {
            regions.extend(region(&cursor.call()?)?);
            if !cursor.take('&') {
                break;
            }
        }
        cursor.end()?;
        let out = Self { regions };
        out.check()?;
        Ok(out)
    }
}

fn region(call: &Call) -> Result<Option<Region>> {
    let (mut metric, mut map) = (None, None);
    let mut columns = Columns::All;
    let mut own: Vec<(&str, &Value)> = Vec::new();
    let allowed: &[&str] = match call.name.as_str() {
        "all" | "hollow" => &[],
        "radius" => &["r", "metric", "map", "cols"],
        "nearest" | "mutual" => &["k", "metric", "map", "cols"],
        "causal" => &["offset"],
        "window" => &["before", "after"],
        "group" => &["cols"],
        other => {
            let known = NEIGHBORHOODS.iter().map(|n| n.name);
            return Err(Error::parse(crate::names::unknown(
                "neighborhood",
                other,
                known,
            )));
        }
    };
    for (key, value) in &call.arguments {
        if !allowed.contains(&key.as_str()) {
            return Err(Error::parse(crate::names::unknown(
                &format!("parameter of {}", call.name),
                key,
                allowed.iter().copied(),
            )));
        }
        match (key.as_str(), value) {
            ("metric", v) => metric = Some(v),
            ("map", v) => map = Some(v),
            ("cols", v) => columns = columns_of(v)?,
            (key, value) => own.push((key, value)),
        }
    }
    let metric = metric_of(metric, map)?.unwrap_or_default();
    let get = |key: &str| own.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
    let need = |key: &str, example: &str| {
        get(key).ok_or_else(|| Error::parse(format!("{} needs {key}, as in {example}", call.name)))
    };
    Ok(Some(match call.name.as_str() {
        "all" => return Ok(None),
        "hollow" => Region::Hollow,
        "radius" => Region::Radius {
            r: need("r", "radius(r=0.5)")?.number("r")?,
            metric,
            columns,
        },
        "causal" => Region::Causal {
            offset: match get("offset") {
                None => 0,
                Some(v) => {
                    let x = v.number("offset")?;
                    if x.fract() != 0.0 || x.abs() > 1e15 {
                        return Err(Error::parse(format!("offset={x} must be a whole number")));
                    }
                    x as i64
                }
            },
        },
        "window" => Region::Window {
            before: need("before", "window(before=8, after=0)")?.count("before")?,
            after: get("after").map_or(Ok(0), |v| v.count("after"))?,
        },
        "group" => {
            if columns == Columns::All {
                return Err(Error::parse(
                    "group needs its columns, as in group(cols=site)",
                ));
            }
            Region::Group { columns }
        }
        name => Region::Nearest {
            k: need("k", &format!("{name}(k=10)"))?.count("k")?,
            metric,
            columns,
            mutual: name == "mutual",
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip() {
        for text in [
            "all",
            "hollow",
            "causal",
            "causal(offset=-1)",
            "radius(r=0.5, metric=manhattan, cols=[x, y])",
            "nearest(k=10) & hollow",
            "mutual(k=3, cols=0)",
            "window(before=8, after=2) & causal",
            "group(cols=site)",
        ] {
            let n: Neighborhood = text.parse().unwrap();
            assert_eq!(n.to_string(), text);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let e = |s: &str| s.parse::<Neighborhood>().unwrap_err().to_string();
        assert!(e("nearst(k=3)").contains("did you mean 'nearest'"));
        assert!(e("nearest(k=0)").contains("at least 1"));
        assert!(e("nearest").contains("needs k"));
        assert!(e("radius(r=-1)").contains("positive"));
        assert!(e("radius(q=1)").contains("unknown parameter of radius 'q'"));
        assert!(e("group").contains("cols"));
    }
}
