//! The forms of `add` that the newer dialect has otherwise (reference, 8.4).

pub mod db;
pub mod dbgroup;
pub mod dsn;
pub mod herd;
pub mod sync;
pub mod table;
mod terms;
pub mod without_effect;
