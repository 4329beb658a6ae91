import type { MetricKind, MetricLook } from '#contracts/metric-query.ts';
import { word } from '../../lib/say.ts';

export const kindWord = (kind: MetricKind): string => word('metric_kind', kind);
export const lookWord = (look: MetricLook): string => word('metric_look', look);
