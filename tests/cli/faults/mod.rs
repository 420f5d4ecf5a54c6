//! Everything that can go wrong between pollm and a provider: each fault is a
//! test of its own, and its snapshot says all that came of it: the output, the
//! exit status, the requests that the server saw, and the rows of the ledger.

mod connections;
mod folders;
mod interruptions;
mod refusals;
mod streams;
mod waits;
