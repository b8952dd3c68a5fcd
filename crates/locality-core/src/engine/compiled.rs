//! The heavy loops, compiled here once for each number type, and not again in every crate that calls them.

use super::prepared::Block;
use super::search::KthBlock;
use crate::Summary;
use crate::isa::dispatch;
use crate::nearest::{Search, WithinRadius};

/// Entry points of the engine for one number type.
#[allow(private_interfaces)]
pub trait Compiled: Sized {
    /// Sums up a block of queries; see [`Block`].
    fn sum_block(block: Block<'_, Self>) -> (Vec<Summary>, usize);
    /// Searches the neighbours of a block of queries.
    fn search_block(search: Search<'_, Self>) -> WithinRadius<Self>;
    /// Distances to the k-th neighbour of a block of keys.
    fn kth_block(block: KthBlock<'_, Self>) -> Vec<f64>;
}

macro_rules! compiled {
    ($t:ident) => {
        #[allow(private_interfaces)]
        impl Compiled for $t {
            #[inline(never)]
            fn sum_block(block: Block<'_, Self>) -> (Vec<Summary>, usize) {
                dispatch(block)
            }
            #[inline(never)]
            fn search_block(search: Search<'_, Self>) -> WithinRadius<Self> {
                dispatch(search)
            }
            #[inline(never)]
            fn kth_block(block: KthBlock<'_, Self>) -> Vec<f64> {
                dispatch(block)
            }
        }
    };
}

compiled!(f32);
compiled!(f64);
