//! A whole sync across all of its databases: validating it, accepting a database that went back,
//! and recording where its objects are.

pub mod accept;
pub mod deployments;
pub mod expression_check;
pub mod faults;
pub mod sequence_check;
pub mod validate;
pub mod waiting;
