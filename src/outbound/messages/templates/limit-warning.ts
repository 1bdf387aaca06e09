/** subscription.limit_warning, to the facility's administrators. The suggestion is in English alone. */
import type { Template } from "./template.ts"

export const limitWarning: Template = {
  en: {
    subject: `{{ facility.name }} {% case data.warningLevel %}{% when "approaching" %}is close to its limit{% when "at_limit" %}has reached its limit{% else %}is over its limit{% endcase %}: {{ data.entitlementType | words | downcase }}`,
    short: `{{ facility.name }} uses {{ data.currentUsage }} of {{ data.limit }}: {{ data.entitlementType | words | downcase }}.`,
    heading: `{% case data.warningLevel %}{% when "approaching" %}Close to the limit{% when "at_limit" %}Limit reached{% else %}Over the limit{% endcase %}`,
    lead: `{{ facility.name }} uses {{ data.currentUsage }} of the {{ data.limit }} {{ data.entitlementType | words | downcase }} that its plan includes.`,
    note: `{% if data.warningLevel == "approaching" %}You need not do anything yet. A larger plan has room for more.{% else %}A larger plan has room for more.{% endif %}`,
  },
  de: {
    subject: `{{ facility.name }} {% case data.warningLevel %}{% when "approaching" %}ist nah an der Grenze{% when "at_limit" %}hat die Grenze erreicht{% else %}ist über der Grenze{% endcase %}: {{ data.entitlementType | words }}`,
    short: `{{ facility.name }} nutzt {{ data.currentUsage }} von {{ data.limit }}: {{ data.entitlementType | words }}.`,
    heading: `{% case data.warningLevel %}{% when "approaching" %}Nah an der Grenze{% when "at_limit" %}Grenze erreicht{% else %}Über der Grenze{% endcase %}`,
    lead: `{{ facility.name }} nutzt {{ data.currentUsage }} von {{ data.limit }}, die im Tarif enthalten sind: {{ data.entitlementType | words }}.`,
    note: `{% if data.warningLevel == "approaching" %}Du musst noch nichts tun. In einem größeren Tarif ist mehr Platz.{% else %}In einem größeren Tarif ist mehr Platz.{% endif %}`,
  },
  facts: [
    ["limitOf", `{{ data.entitlementType | words }}`],
    [
      "used",
      {
        en: `{{ data.currentUsage }} of {{ data.limit }} ({{ data.percentUsed | round }}%)`,
        de: `{{ data.currentUsage }} von {{ data.limit }} ({{ data.percentUsed | round }} %)`,
      },
    ],
    ["suggestion", { en: `{{ data.recommendedAction }}`, de: "" }],
  ],
}
