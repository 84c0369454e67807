// The parts of ECharts that the plots use. No tooltip and no legend of its own: those write style attributes, which the
// policy forbids.
import { BarChart, HeatmapChart, ParallelChart, ScatterChart } from "echarts/charts";
import { GridComponent, MarkLineComponent, ParallelComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, HeatmapChart, ParallelChart, ScatterChart, GridComponent, MarkLineComponent, ParallelComponent, CanvasRenderer]);

export { init };
