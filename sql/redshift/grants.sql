-- Generated from the catalogue by `make golden`. Do not edit.

GRANT ROLE "trunkline_analyst" TO ROLE "trunkline_analyst_pii";

GRANT USAGE ON SCHEMA "connect_datalake" TO ROLE "trunkline_analyst";

GRANT USAGE ON SCHEMA "post_call_analytics" TO ROLE "trunkline_analyst";

GRANT USAGE ON SCHEMA "salesforce" TO ROLE "trunkline_analyst";

GRANT USAGE ON SCHEMA "connect" TO ROLE "trunkline_analyst";

GRANT SELECT ON "post_call_analytics"."call" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_event" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."routing_profiles" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_hierarchy_groups" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."queue" TO ROLE "trunkline_analyst";

GRANT SELECT ON "salesforce"."matter" TO ROLE "trunkline_analyst";

GRANT SELECT ON "salesforce"."task" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."staff_shifts" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."staff_shift_activities" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."shift_activities" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."contact_statistic_record" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."contact_lens_conversational_analytics" TO ROLE "trunkline_analyst";

GRANT SELECT ON "post_call_analytics"."calls" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_event_contact" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_activity" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_statistic_record" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_contact_state" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_queue_statistic_record" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."contact_evaluation_record" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."agent_adherence" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."d_user" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."d_customer_contact" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."d_matter" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."d_case" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."v_fact_task" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."v_fact_case" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."bridge_contact_case" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."v_fact_call" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."d_agent" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."d_queue" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."d_date" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."d_time" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."v_contact_leg" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect"."v_contact_family" TO ROLE "trunkline_analyst";

GRANT SELECT ON "connect_datalake"."contact_record" TO ROLE "trunkline_analyst_pii";

GRANT SELECT ON "post_call_analytics"."scorecards" TO ROLE "trunkline_analyst_pii";

GRANT SELECT ON "post_call_analytics"."transcript" TO ROLE "trunkline_analyst_pii";

GRANT SELECT ON "connect_datalake"."contact_event" TO ROLE "trunkline_analyst_pii";

GRANT SELECT ON "connect_datalake"."users" TO ROLE "trunkline_analyst_pii";

GRANT SELECT ON "connect_datalake"."agent" TO ROLE "trunkline_analyst_pii";

GRANT SELECT ON "salesforce"."user" TO ROLE "trunkline_analyst_pii";

GRANT SELECT ON "salesforce"."customer_contact" TO ROLE "trunkline_analyst_pii";

GRANT SELECT ON "salesforce"."case" TO ROLE "trunkline_analyst_pii";

GRANT SELECT ON "connect_datalake"."contact_evaluation" TO ROLE "trunkline_analyst_pii";

GRANT SELECT ON "post_call_analytics"."transcript_turn" TO ROLE "trunkline_analyst_pii";

GRANT SELECT ON "connect_datalake"."contact_evaluation_item" TO ROLE "trunkline_analyst_pii";

GRANT SELECT ON "connect"."v_fact_call_pii" TO ROLE "trunkline_analyst_pii";
