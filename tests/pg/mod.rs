//! Connecting, and what happens when servers or networks fail.
