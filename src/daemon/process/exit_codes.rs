//! Exit codes by which a process tells its parent why it has ended, where that is neither success
//! nor a failure.

/// Of a controller that has served its time (`lifetime`, `maxkicks`): another is needed, and has
/// been kicked.
pub const LIFETIME_REACHED: i32 = 3;

/// Of a KID that found no connection left. It is started again soon.
pub const CROWDED: i32 = 4;

/// Of a controller or a KID that found no connection to the control database left. It is started
/// again soon.
pub const CONTROL_CROWDED: i32 = 6;

/// Of a KID that left its connections to others although it has more to do.
pub const GAVE_WAY: i32 = 5;
