//! Tracking by mean shift: a window moves to the local mean of a picture of probabilities (Bradski 1998), or to the place whose
//! colours are most like those of the object (Comaniciu, Ramesh and Meer 2003).

mod histogram;
mod kernel_tracker;
mod tracker;
mod window;

pub use histogram::HistogramColor;
pub use tracker::{TrackMethod, Tracked, Tracker, Tracking};
pub use window::{Criteria, RotatedBox, Window, cam_shift, mean_shift};
