//! The column to be predicted: numbers or classes.

use locality::model::Class;

use super::columns::words;
use super::recipe::Model;
use crate::error::{Error, Result};
use crate::table::{Column, Table};

/// So many different whole numbers, each in so many rows on the average, are classes.
const MOST_CLASSES: usize = 10;
const ROWS_OF_A_CLASS: usize = 4;

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Task {
    /// Numbers
    Regression,
    /// Classes
    Classification,
}

impl Task {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Classification => "classification",
        }
    }
}

/// The target of each row.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// Numbers.
    Numbers(Vec<f64>),
    /// The class of each row by number, and the classes.
    Classes(Vec<usize>, Vec<Class>),
}

impl Target {
    /// Reads a column, and says why it was taken as it was: numbers also as a model that is named needs them.
    pub(crate) fn read(
        table: &Table,
        column: usize,
        forced: Option<Task>,
        model: Model,
    ) -> Result<(Self, String)> {
        let name = &table.names()[column];
        let (task, why) = match forced {
            Some(task) => (task, "as asked for".to_owned()),
            None if !table.is_numeric(column) => {
                (Task::Classification, format!("'{name}' holds words"))
            }
            None if model.task() == Some(Task::Regression) => (
                Task::Regression,
                format!("which --model {} is for", model.name()),
            ),
            None => {
                let y = table.numbers(&[column], "--target")?;
                let mut kinds = y.clone();
                kinds.sort_unstable_by(f64::total_cmp);
                kinds.dedup();
                let whole = kinds.iter().all(|x| x.fract() == 0.0);
                let few = kinds.len() <= MOST_CLASSES && kinds.len() * ROWS_OF_A_CLASS <= y.len();
                if whole && few && kinds.len() > 1 {
                    let why = format!("'{name}' holds {} whole numbers", kinds.len());
                    (Task::Classification, why)
                } else {
                    (Task::Regression, format!("'{name}' holds numbers"))
                }
            }
        };
        let target = match task {
            Task::Regression => Self::Numbers(table.numbers(&[column], "--target")?),
            Task::Classification => Self::classes(table, column)?,
        };
        Ok((target, why))
    }

    fn classes(table: &Table, column: usize) -> Result<Self> {
        let numbers = table
            .is_numeric(column)
            .then(|| table.numbers(&[column], "--target"))
            .transpose()?;
        let (codes, classes): (Vec<usize>, Vec<Class>) = if let Some(y) = numbers {
            let mut kinds = y.clone();
            kinds.sort_unstable_by(f64::total_cmp);
            kinds.dedup();
            let code = |x: &f64| kinds.partition_point(|k| k < x);
            let class = |x: &f64| {
                if x.fract() == 0.0 && x.abs() < 9e15 {
                    Class::Integer(*x as i64)
                } else {
                    Class::Real(*x)
                }
            };
            (
                y.iter().map(code).collect(),
                kinds.iter().map(class).collect(),
            )
        } else {
            let words = words(table, column)?;
            let mut kinds = words.clone();
            kinds.sort_unstable();
            kinds.dedup();
            let code = |w: &String| kinds.partition_point(|k| k < w);
            let codes = words.iter().map(code).collect();
            (codes, kinds.into_iter().map(Class::Text).collect())
        };
        let (name, n) = (&table.names()[column], table.rows());
        if classes.len() < 2 {
            return Err(Error::data(format!(
                "{}: column '{name}' has one class, {}; a classifier needs at least two",
                table.origin(),
                classes[0]
            )));
        }
        if classes.len() == n || classes.len() > 200 {
            return Err(Error::data(format!(
                "{}: column '{name}' has {} classes in {n} rows; for numbers write --task regression, or choose another column",
                table.origin(),
                classes.len()
            )));
        }
        Ok(Self::Classes(codes, classes))
    }

    pub(crate) fn task(&self) -> Task {
        match self {
            Self::Numbers(_) => Task::Regression,
            Self::Classes(..) => Task::Classification,
        }
    }

    /// The names of the classes.
    pub(crate) fn names(&self) -> &[Class] {
        match self {
            Self::Numbers(_) => &[],
            Self::Classes(_, classes) => classes,
        }
    }

    /// Those of some rows; classes keep their numbers.
    pub(crate) fn some(&self, rows: &[usize]) -> Self {
        match self {
            Self::Numbers(y) => Self::Numbers(rows.iter().map(|&i| y[i]).collect()),
            Self::Classes(codes, classes) => {
                Self::Classes(rows.iter().map(|&i| codes[i]).collect(), classes.clone())
            }
        }
    }
}

/// Predicted classes as a column of the output.
pub(crate) fn class_column(classes: &[Class], codes: &[usize]) -> Column {
    let whole = |k: &usize| match &classes[*k] {
        Class::Integer(x) => Some(*x),
        _ => None,
    };
    if let Some(whole) = codes.iter().map(whole).collect() {
        return Column::Integer(whole);
    }
    Column::Words(codes.iter().map(|&k| classes[k].to_string()).collect())
}
