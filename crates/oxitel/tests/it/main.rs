//! The engine through its public door, judged by what a real OTLP receiver got.

mod canary;
mod configuration;
mod delivery;
mod ending;
mod exporters;
mod fork;
mod frames;
mod grpc;
mod grpc_faults;
mod hooks;
mod middleware;
mod nested;
mod places;
mod pressure;
mod propagation;
mod records;
mod redaction;
mod resource;
mod runtimes;
mod sampling;
mod session;
mod steady;
mod tracing_layer;
mod tracing_subscriber;
