//! Seeded data, reference loops and comparators for the tests of locality.
