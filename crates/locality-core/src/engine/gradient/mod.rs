//! The pull-back of the local mean, by recomputation. Memory is linear in the data.
//!
//! With shares `s_j = c_j K_j / Z` the derivatives are `dm = sum_j s_j (v_j - m) dlog K_j + sum_j s_j dv_j` and
//! `dlog Z = sum_j s_j dlog K_j`. Kernels of one part over many columns take one pass of products of tiles ([`dense`]). All
//! others take two: the first goes over blocks of queries and yields what belongs to them and to the kernel's numbers, the second
//! over runs of keys and yields what belongs to those. No order depends on the threads.

mod both;
mod by_bias;
mod columns;
mod dense;
mod flow;
mod keys;
mod numbers;
mod partial;
mod queries;
mod tile;
mod trace;
mod weigh;

pub(crate) use columns::{PulledBack, pull_back};
pub(crate) use flow::Flows;
