//! The schedule on virtual time: no test here waits, and the same happens in every run.

mod fleet;
mod leasing;
mod office;
mod week;
