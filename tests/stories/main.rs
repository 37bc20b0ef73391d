//! The stories: what people do with the product, one module an operation, each driving the real `skill` against the real
//! `skill-registry`. The module has the name of the operation's contract, command and route.
