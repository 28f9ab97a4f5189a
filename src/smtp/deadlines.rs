//! How long a server may take.

use std::time::Duration;

/// How long the steps of a dialogue may take. RFC 5321 §4.5.3.2 gives five minutes for most commands, for relays without
/// anybody waiting; a submission is tried again by itself, so commands get less. What it says of the end of data stands, as
/// giving up early there makes the outcome unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlines {
    /// For the greeting, and for the answer to each command. Default 60 s.
    pub command: Duration,
    /// For the answer to the end of data (RFC 5321 §4.5.3.2.6). Default 600 s.
    pub end_of_data: Duration,
    /// For the answer to QUIT, which changes nothing any more. Default 2 s.
    pub quit: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            command: Duration::from_mins(1),
            end_of_data: Duration::from_mins(10),
            quit: Duration::from_secs(2),
        }
    }
}

impl Deadlines {
    /// Sets the time for the greeting and for the answer to each command.
    pub fn command(mut self, command: Duration) -> Self {
        self.command = command;
        self
    }

    /// Sets the time for the answer to the end of data.
    pub fn end_of_data(mut self, end_of_data: Duration) -> Self {
        self.end_of_data = end_of_data;
        self
    }

    /// Sets the time for the answer to QUIT.
    pub fn quit(mut self, quit: Duration) -> Self {
        self.quit = quit;
        self
    }
}
