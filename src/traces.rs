//! Traces: what was done for a request or in a worker's turn, how long each part took, and where it failed, sent to a collector as OTLP over
//! HTTP. Spans carry what is on a closed list and nothing else: no name of a collaboration, a member, a dataset or a run. Must not know
//! who is traced.

use crate::egress::{Egress, Limits, Target};
use crate::error::{Error, Result};
use crate::settings;
use opentelemetry::trace::{SpanKind, Status, TracerProvider as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    Sampler, SdkTracerProvider, SpanData, SpanEvents, SpanExporter, SpanLinks,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, LevelFilter};
use tracing_subscriber::registry::LookupSpan;

/// A collector answers within this time.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);
/// What is not sent by then at the end is lost.
const END_WITHIN: Duration = Duration::from_secs(5);
/// A collector has little to say.
const LIMITS: Limits = Limits {
    at_once: 2,
    connect: Duration::from_secs(5),
    total: TAKEN_WITHIN,
    answer_max: 64 * 1_024,
};

/// Spans of ours, and what each is about.
const SPANS: [&str; 12] = [
    "request",
    "pass",
    "look",
    "apply",
    "store",
    "run",
    "query",
    "open",
    "plan",
    "execute",
    "deliver",
    "statement",
];
/// Targets of the AWS clients' own spans, one for a call.
const CALLS: &str = "aws_sdk_";
/// What a span may carry, and what OpenTelemetry's conventions call it.
const FIELDS: [(&str, &str); 13] = [
    ("id", "airlock.request.id"),
    ("method", "http.request.method"),
    ("route", "http.route"),
    ("status", "http.response.status_code"),
    ("platform", "airlock.platform"),
    ("room", "airlock.room"),
    ("effect", "airlock.effect"),
    ("call", "db.operation.name"),
    ("end", "airlock.end"),
    ("code", "error.type"),
    ("rpc.service", "rpc.service"),
    ("rpc.method", "rpc.method"),
    ("rpc.system", "rpc.system"),
];

/// Traces under way to a collector.
#[derive(Debug)]
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends what is traced from now on, on this runtime.
    pub(crate) fn start(set: &settings::Traces, runtime: &Handle) -> Result<Self> {
        let unsent = |_| Error::failed("traces", "what is traced can't be sent");
        let unasked = |_| Error::failed("traces", "what is traced can't be sent");
        let egress = Egress::new(Arc::clone(&set.policy), LIMITS).map_err(unasked)?;
        let (egress, to) = (Arc::new(egress), set.endpoint.clone());
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(Sender { egress, to, runtime: runtime.clone() })
            .with_endpoint(set.endpoint.whole())
            .with_timeout(TAKEN_WITHIN)
            .build()
            .map_err(unsent)?;
        Ok(Self::of(Listed(exporter), set.sampled, true))
    }

    fn of(exporter: impl SpanExporter + 'static, sampled: f64, batched: bool) -> Self {
        let resource = Resource::builder()
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        // What the environment calls the service goes before.
        let resource = if std::env::var_os("OTEL_SERVICE_NAME").is_some() {
            resource
        } else {
            resource.with_service_name("airlock")
        };
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            // By the trace's name alone: whoever calls can't ask for more than was set.
            .with_sampler(Sampler::TraceIdRatioBased(sampled));
        let provider = if batched {
            provider.with_batch_exporter(exporter)
        } else {
            provider.with_simple_exporter(exporter)
        };
        Self(provider.build())
    }

    /// Takes in spans.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("airlock"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(FilterFn::new(is_traced).with_max_level_hint(LevelFilter::DEBUG))
    }

    /// Sends what there still is.
    pub(crate) fn end(&self) {
        if self.0.shutdown_with_timeout(END_WITHIN).is_err() {
            tracing::warn!("what was traced last could not be sent");
        }
    }
}

/// Spans only: what is written down is not sent anywhere.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    let ours =
        metadata.target().starts_with("airlock") || metadata.target().starts_with("adapter_");
    metadata.is_span()
        && if ours {
            SPANS.contains(&metadata.name())
        } else {
            metadata.target().starts_with(CALLS)
        }
}

/// The trace that a caller's request is part of, by the words of W3C.
pub(crate) fn continued(headers: &axum::http::HeaderMap) -> Option<Context> {
    use opentelemetry::propagation::TextMapPropagator as _;
    use opentelemetry::trace::TraceContextExt as _;
    headers.get("traceparent")?;
    let told = opentelemetry_http::HeaderExtractor(headers);
    let context = opentelemetry_sdk::propagation::TraceContextPropagator::new().extract(&told);
    Some(context).filter(|context| context.span().span_context().is_valid())
}

/// Passes on what is listed, under the names that OpenTelemetry's conventions have for it.
#[derive(Debug)]
struct Listed<E>(E);

impl<E: SpanExporter> SpanExporter for Listed<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.export(batch.into_iter().map(listed).collect()).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn listed(mut span: SpanData) -> SpanData {
    let known = |of: &KeyValue| {
        let (_, name) = FIELDS.iter().find(|(field, _)| *field == of.key.as_str())?;
        Some(KeyValue::new(*name, of.value.clone()))
    };
    span.attributes = span.attributes.iter().filter_map(known).collect();
    // What was written down or went wrong in words is in the log.
    (span.events, span.links) = (SpanEvents::default(), SpanLinks::default());
    let said = |name: &str| {
        let found = span.attributes.iter().find(|of| of.key.as_str() == name);
        found.map(|of| of.value.clone())
    };
    if span.name == "request" {
        span.span_kind = SpanKind::Server;
        if let (Some(method), Some(route)) = (said("http.request.method"), said("http.route")) {
            span.name = format!("{method} {route}").into();
        }
    } else if said("rpc.system").is_some() || span.name == "statement" {
        span.span_kind = SpanKind::Client;
    }
    let failed = match said("http.response.status_code") {
        Some(Value::I64(status)) => status >= 500,
        Some(_) | None => said("error.type").is_some(),
    };
    span.status = if failed { Status::error("") } else { Status::Unset };
    span
}

/// Sends over a runtime's threads what a thread of its own waits for.
#[derive(Debug)]
struct Sender {
    egress: Arc<Egress>,
    to: Target,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (egress, to) = (Arc::clone(&self.egress), self.to.clone());
        let (told, body) = request.into_parts();
        let asked =
            async move { egress.post(&to, told.headers, body.to_vec()).await.map_err(Error::from) };
        let answer = self.runtime.spawn(asked).await??;
        let mut taken = Response::new(Bytes::from(answer.body));
        *taken.status_mut() = answer.status;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tracing_subscriber::layer::SubscriberExt as _;

    #[derive(Debug, Clone, Default)]
    struct Kept(Arc<Mutex<Vec<SpanData>>>);

    impl SpanExporter for Kept {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    fn traced(sampled: f64, work: impl FnOnce()) -> Vec<SpanData> {
        let kept = Kept::default();
        let traces = Traces::of(Listed(kept.clone()), sampled, false);
        tracing::subscriber::with_default(
            tracing_subscriber::registry().with(traces.layer()),
            work,
        );
        traces.end();
        std::mem::take(&mut *kept.0.lock().unwrap())
    }

    fn said(span: &SpanData, name: &str) -> Option<String> {
        let found = span.attributes.iter().find(|of| of.key.as_str() == name);
        found.map(|of| of.value.as_str().into_owned())
    }

    #[test]
    fn what_is_not_listed_is_not_sent() {
        let spans = traced(1.0, || {
            let request = tracing::error_span!(
                "request",
                id = "r-1",
                method = "GET",
                route = "/v1/{c}",
                status = 200,
                collaboration = "spring-canary"
            );
            let _in = request.enter();
            tracing::warn!("spring-canary");
            let _other = tracing::info_span!("look up of spring-canary").entered();
            let _apply =
                tracing::info_span!("apply", platform = "native", dataset = "spring-canary")
                    .entered();
        });
        let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
        assert_eq!(names, ["apply", "GET /v1/{c}"]);
        assert!(!format!("{spans:?}").contains("canary"), "{spans:?}");
        let [apply, request] = spans.as_slice() else { panic!("{spans:?}") };
        assert_eq!(apply.parent_span_id, request.span_context.span_id());
        assert_eq!(said(apply, "airlock.platform").unwrap(), "native");
        assert_eq!(said(request, "http.response.status_code").unwrap(), "200");
        assert_eq!((&request.span_kind, &request.status), (&SpanKind::Server, &Status::Unset));
    }

    #[test]
    fn a_server_s_fault_and_a_code_are_failures_and_a_caller_s_is_none() {
        let spans = traced(1.0, || {
            drop(tracing::error_span!("request", status = 404));
            drop(tracing::error_span!("request", status = 503));
            drop(tracing::info_span!("store", call = "append", code = "store-unavailable"));
        });
        let failed: Vec<_> = spans.iter().map(|span| span.status != Status::Unset).collect();
        assert_eq!(failed, [false, true, true]);
    }

    #[test]
    fn a_caller_s_trace_is_gone_on_with_and_asks_for_no_more_than_was_set() {
        use tracing_opentelemetry::OpenTelemetrySpanExt as _;
        let mut headers = axum::http::HeaderMap::new();
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        headers.insert("traceparent", parent.parse().unwrap());
        let context = continued(&headers).unwrap();
        let asked = || {
            let span = tracing::error_span!("request", status = 200);
            span.set_parent(context.clone()).unwrap();
        };
        let spans = traced(1.0, asked);
        assert_eq!(spans[0].span_context.trace_id().to_string(), parent[3..35]);
        assert_eq!(spans[0].parent_span_id.to_string(), parent[36..52]);
        assert!(traced(0.0, asked).is_empty(), "its mark that it is sampled is not what counts");
        for wrong in ["", "00-0-0-01", &parent[..52], &parent.replace("0af7", "zzzz")] {
            headers.insert("traceparent", wrong.parse().unwrap());
            assert!(continued(&headers).is_none(), "{wrong}");
        }
    }
}
