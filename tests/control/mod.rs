//! The control database.

mod schema;
