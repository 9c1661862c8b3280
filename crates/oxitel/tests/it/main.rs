//! The engine through its public door, judged by what a real OTLP receiver got.

mod delivery;
mod ending;
mod fork;
mod frames;
mod grpc;
mod grpc_faults;
mod places;
mod pressure;
mod propagation;
mod records;
mod resource;
mod runtimes;
mod session;
mod steady;
mod tracing_layer;
