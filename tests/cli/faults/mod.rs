//! Everything that can go wrong between pollm and a provider. [`table`] lists it
//! all, a line a fault. Beside it, faults whose messages matter are tests of
//! their own, and a snapshot says all that came of one: the output, the exit
//! status, the requests that the server saw, and the rows of the ledger.

mod cause;
mod connections;
mod folders;
mod interruptions;
mod lines;
mod refusals;
mod streams;
mod table;
mod tls;
mod waits;
