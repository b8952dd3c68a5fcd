//! Laws of the local mean, a file for each family.

mod bandwidths;
mod case;
mod certificate;
mod edges;
mod identities;
mod neighborhoods;
mod tolerance;
