//! Floor 8: the door. One method per thing a host does; no durable state of its own.

mod view;

pub use view::{
    AccountCursor, CheckReport, CheckStep, ConnectRequest, Connected, Count, Direction, DirectoryCheck,
    Exported, Health, SyncReport, Tab, TabCopy, TabMessage, Trial, UserStatus, Viewer,
};
