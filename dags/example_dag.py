from airflow import DAG
from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator

with DAG('example_dag') as dag:
    task = BigQueryInsertJobOperator(
        task_id='bq_task',
        configuration={
            'query': {
                'query': '''
                    SELECT
                        weather,
                        COUNT(*) AS days,
                        ROUND(AVG(temp_max), 1) AS average_temp_max
                    FROM seattle.weather
                    GROUP BY weather
                    ORDER BY days DESC
                ''',
                'useLegacySql': False,
            }
        },
        gcp_conn_id='my_gcp_conn'
    )
