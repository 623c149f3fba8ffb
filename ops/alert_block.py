"""Save the Prefect block that carries alerts: a webhook that takes what Slack's take, such as Slack or Mattermost.

It reads TAILGUARD_SLACK_WEBHOOK_URL, and keeps the address as a secret of the Prefect server.
"""

import os
import sys

from prefect.blocks.notifications import CustomWebhookNotificationBlock

block = CustomWebhookNotificationBlock(
    name="tailguard",
    url="{{url}}",
    secrets={"url": os.environ["TAILGUARD_SLACK_WEBHOOK_URL"]},
    json_data={"text": "{{subject}}\n{{body}}"},
)
block.save("tailguard-alerts", overwrite=True)
sys.stdout.write("Saved the block tailguard-alerts.\n")
