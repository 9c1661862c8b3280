//! Compiles the service of `grpc`, without a system protoc.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=grpc");
    let files = protox::compile(["grpc/greeter.proto"], ["grpc"])?;
    tonic_prost_build::configure().compile_fds(files)?;
    Ok(())
}
