//! Connecting in the terminal: the provider's own sign-in with a browser, and what is said to people when something is wrong.

mod provider;
mod signing_in;
mod terminal;
mod words;
