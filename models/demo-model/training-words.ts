/** What the demo model's tokens are learnt from: the words of an incident card, so that a card is not one token a letter. */
export const TRAINING_WORDS = `
You are told the evidence of one incident. Choose the cause from the candidates and name the evidence. Answer only from the evidence.
Choose the candidate that caused the incident, or none when the evidence does not tell. Write at most three sentences. Each sentence ends
with the evidence it stands on. Candidates, evidence, service, services, signal, value, baseline, ratio, onset, change, deploy, version,
restart, instance, host, window, symptom, verdict, confirmed, likely, inconclusive, cause, critical failure, impact, because, confidence,
low, medium, high, candidate, latency, error, errors, error rate, request rate, requests, duration, memory, heap, garbage collection, connection
pool, waiting, exhausted, saturation, utilization, processor, disk, queue, timeout, timeouts, refused, unavailable, database, cache, external,
dependency, downstream, upstream, calls, called by, rose from, fell from, before, after, since, at the same time as, seconds, minutes, milliseconds,
percent, times the usual, normal, unusual, missing, new, old, first, last, started, ended, increased, decreased, log, logs, log pattern, trace,
traces, metric, metrics, span, spans, node, pod, container, noisy neighbour, bad deploy, memory leak, load, traffic, failure, failed, exception,
rank, score, the service, the error rate of, the latency of, the service S1 calls S2, service S2 is called by, evidence E1 signal latency value
baseline onset. candidate C1 service S1 kind pool exhaustion. cause C1 confidence high evidence E1 E2 why the service rose before its callers.
error rate of S3 rose from 0 to 12 percent after the deploy of version, latency of S2 rose from 12 ms to 480 ms, the connection pool of S1 is
exhausted and requests are waiting. the change came before the onset. the other services show the symptom later, they call the service.
`;
