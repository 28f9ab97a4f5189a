//! What is beyond reading, against the test kit's server and a store in a file.

mod archiving;
mod erased;
mod inspecting;
mod keeping;
mod replaying;
mod scene;
mod working;
