//! Changes on their way from source to targets.
