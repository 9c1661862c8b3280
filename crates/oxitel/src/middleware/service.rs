//! The `tower` services of the layers, which differ in their names only.

/// Makes the service of a layer, whose method takes a request and the next service's `call`.
macro_rules! service {
    ($(#[$doc:meta])* $service:ident of $layer:ident by $method:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $service<S> {
            inner: S,
            layer: ::std::sync::Arc<$layer>,
        }

        impl<S> ::tower_layer::Layer<S> for $layer {
            type Service = $service<S>;

            fn layer(&self, inner: S) -> $service<S> {
                $service { inner, layer: ::std::sync::Arc::new(self.clone()) }
            }
        }

        impl<S, B, R> ::tower_service::Service<::http::Request<B>> for $service<S>
        where
            S: ::tower_service::Service<::http::Request<B>, Response = ::http::Response<R>>,
            S::Error: ::std::fmt::Display + 'static,
            R: ::http_body::Body,
        {
            type Response = ::http::Response<crate::middleware::ResponseBody<R>>;
            type Error = S::Error;
            type Future = crate::middleware::ResponseFuture<S::Future>;

            fn poll_ready(
                &mut self,
                cx: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<Result<(), S::Error>> {
                self.inner.poll_ready(cx)
            }

            fn call(&mut self, request: ::http::Request<B>) -> Self::Future {
                let Self { inner, layer } = self;
                layer.$method(request, |request| inner.call(request))
            }
        }
    };
}

pub(super) use service;
