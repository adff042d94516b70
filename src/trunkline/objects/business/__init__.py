"""Objects of the business around the contacts: queues and agents, and what Salesforce has."""
